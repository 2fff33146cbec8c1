"""MISSING engine"""
