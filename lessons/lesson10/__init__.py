"""Periodic tasks.

You will be able to have tasks sent by the clock: once, in the right time zone, and never too late.
"""
