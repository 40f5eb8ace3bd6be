"""A web API in front of a worker.

You will be able to put a web API in front of a worker: one that answers at once, tells the truth about every id,
and bears bad input and bad days.
"""
