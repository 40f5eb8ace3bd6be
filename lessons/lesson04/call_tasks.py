"""Lesson 04 · Retry: call tasks that fail at first, and count their runs.

python -m lesson04.call_tasks
"""

from time import monotonic

from celery.result import AsyncResult
from celery.utils.time import get_exponential_backoff_interval

from classroom.driver import run_driver
from lesson04.tasks import app, fetch, fetch_and_swallow, fetch_backing_off, read_price


def tell(what: str, receipt: AsyncResult) -> None:
    since = monotonic()
    outcome = receipt.get(timeout=10, propagate=False, interval=0.05)  # seconds between two looks, instead of 0.5
    took = monotonic() - since
    print(f"{what:28} {receipt.state} after {receipt.retries} retries, ≈ {took:.1f} s: {outcome!r}")


def retry_by_hand() -> None:
    tell("down for 2 runs:", fetch.delay(2))
    tell("down for good:", fetch.delay(99))


def swallow_the_retry() -> AsyncResult:
    receipt = fetch_and_swallow.delay(1)
    tell("retry swallowed:", receipt)
    return receipt


def let_celery_retry() -> None:
    tell("autoretry_for, backing off:", fetch_backing_off.delay(2))
    # What Celery asks before each retry; `retry_backoff` is the factor, `retry_backoff_max` the maximum.
    waits = [get_exponential_backoff_interval(factor=1, retries=retries, maximum=600) for retries in range(11)]
    print("  its waits would go on:    ", *waits, "s")
    tell("autoretry_for, bad data:", read_price.delay("12,50"))


def ask_again(receipt: AsyncResult) -> None:
    again = AsyncResult(receipt.id, app=app)  # the first receipt remembers its answer; this one looks for it again
    print("retry swallowed, at the end:", again.state, repr(again.get(timeout=10)))


def main() -> None:
    retry_by_hand()
    swallowed = swallow_the_retry()
    let_celery_retry()
    ask_again(swallowed)


if __name__ == "__main__":
    run_driver(main, app)
