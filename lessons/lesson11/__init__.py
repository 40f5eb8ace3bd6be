"""Reliable workers.

You will be able to say what becomes of a task when its process, its worker or the whole machine dies, and mend it.
"""
