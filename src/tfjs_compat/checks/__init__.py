"""MISSING checks"""
