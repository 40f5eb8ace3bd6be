"""Task size.

You will be able to choose how much work goes into one task by measuring, and split any work into tasks of that size.
"""
