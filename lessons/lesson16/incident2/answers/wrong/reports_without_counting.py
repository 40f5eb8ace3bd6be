"""check_each_order_is_counted_by_a_worker: The report comes, but it is made of what the caller has, and counted by no
worker.
"""


@app.task
def count(amount: int) -> int:
    """Count one order."""
    return amount


def close_the_day(amounts: list[int]) -> AsyncResult:
    """The receipt of the report: the sum of what the tasks have counted."""
    return report.delay([count(amount) for amount in amounts])
