"""check_each_order_is_counted_by_a_worker: close_the_day waits for all counting, so the next day can't be closed."""

from celery import group


def close_the_day(amounts: list[int]) -> AsyncResult:
    """The receipt of the report: the sum of what the tasks have counted."""
    counted = group(count.s(amount) for amount in amounts)()
    return report.delay(counted.get(timeout=10))
