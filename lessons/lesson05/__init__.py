"""Queue routing.

You will be able to give slow and fast tasks a queue and a worker of their own, so that neither waits for the other.
"""
