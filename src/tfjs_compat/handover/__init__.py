"""MISSING handover"""
