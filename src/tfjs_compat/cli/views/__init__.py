"""MISSING cli.views"""
