"""check_the_report_comes: It stores the result of the callback, which was stored already; what the chord misses are
the results of count.
"""


@app.task
def count(amount: int) -> int:
    """Count one order."""
    return amount


def close_the_day(amounts: list[int]) -> AsyncResult:
    """The receipt of the report: the sum of what the tasks have counted."""
    return chord(count.s(amount) for amount in amounts)(report.s().set(ignore_result=False))
