"""MISSING cli"""
