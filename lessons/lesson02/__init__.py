"""Chain.

You will be able to send several tasks as one, each working on what the one before it returned.
"""
