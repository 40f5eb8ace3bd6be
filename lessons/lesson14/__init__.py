"""A job pipeline.

You will be able to build a service whose jobs, kept in PostgreSQL, are finished once whatever is killed on the way.
"""
