"""Bound tasks.

You will be able to have a task know which call it is working on, and use the call's id in logs, caches and file names.
"""
