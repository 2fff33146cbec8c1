"""MISSING index"""
