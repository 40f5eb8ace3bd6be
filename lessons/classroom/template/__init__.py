"""TITLE.

You will be able to …
"""
