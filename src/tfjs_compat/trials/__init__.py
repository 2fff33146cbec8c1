"""MISSING trials"""
