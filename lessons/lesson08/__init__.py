"""Progress and failure.

You will be able to see how far a task is, read why it failed, be told when it does, and stop it.
"""
