"""Monitoring.

You will be able to see what workers do and what waits for them, and find out why nothing happens.
"""
