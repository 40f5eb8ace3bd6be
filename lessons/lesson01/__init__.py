"""Time limits.

You will be able to end a task that takes too long, and leave nothing half done behind it.
"""
