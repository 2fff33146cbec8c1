"""MISSING locks"""
