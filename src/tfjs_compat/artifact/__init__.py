"""MISSING artifact"""
