"""MISSING trials.runtimes"""
