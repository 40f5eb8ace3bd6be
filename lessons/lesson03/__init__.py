"""Chord.

You will be able to run tasks side by side, and have one more called with all their results.
"""
