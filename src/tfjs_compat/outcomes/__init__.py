"""MISSING outcomes"""
