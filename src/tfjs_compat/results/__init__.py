"""MISSING results"""
