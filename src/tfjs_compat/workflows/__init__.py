"""MISSING workflows"""
