"""Basic calls.

You will be able to send a function to a worker, now or later, and to ask what became of it.
"""
