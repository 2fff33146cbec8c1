"""MISSING diagnosis"""
