"""A group in a chain, with a task behind it, becomes a chord."""

from celery import chain, group


def close_the_day(amounts: list[int]) -> AsyncResult:
    """The receipt of the report: the sum of what the tasks have counted."""
    return chain(group(count.s(amount) for amount in amounts), report.s())()
