"""Break it.

You will be able to predict what a fault will do to your tasks, cause it in seconds, and choose the cure.
"""
