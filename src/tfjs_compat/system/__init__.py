"""MISSING system"""
