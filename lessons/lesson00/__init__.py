"""Basic calls.

You will be able to have a worker run a function, now or later, and ask for its outcome.
"""
