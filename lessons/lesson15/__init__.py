"""A document pipeline.

You will be able to turn uploaded files into searchable passages with live progress, and answer questions meanwhile.
"""
