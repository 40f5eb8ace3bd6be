"""Chord.

You will be able to run tasks side by side, and to have one more called with all their results.
"""
