"""MISSING environments"""
