"""MISSING matrix"""
