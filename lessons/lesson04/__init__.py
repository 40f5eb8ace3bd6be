"""Retry.

You will be able to have a failed task run again: after which failures, after how long, and how often.
"""
