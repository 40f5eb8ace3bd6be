"""Break it.

You will be able to say beforehand what a fault will do to your tasks, cause it in seconds, and choose the cure.
"""
