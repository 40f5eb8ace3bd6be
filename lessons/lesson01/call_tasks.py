"""Lesson 01 · Time limits: give tasks too little time, and see what each kind of limit leaves behind.

python -m lesson01.call_tasks
"""

from time import monotonic

from celery.result import AsyncResult

from classroom.driver import run_driver
from lesson01.tasks import app, export, export_and_tidy, export_carelessly, look


def tell(what: str, receipt: AsyncResult) -> None:
    since = monotonic()
    outcome = receipt.get(timeout=10, propagate=False, interval=0.05)  # seconds between two looks, instead of 0.5
    print(f"{what:18} {receipt.state} {outcome!r} after ≈ {monotonic() - since:.1f} s")


def look_there() -> dict:
    return look.delay().get(timeout=10, interval=0.05)


def meet_the_soft_limit() -> None:
    before = look_there()
    receipt = export.delay(5)  # its limits stand in tasks.py
    tell("soft limit:", receipt)
    after = look_there()
    print("  its draft is left?    ", after["draft"])
    print("  is there a traceback? ", receipt.traceback is not None)
    print("  same process goes on? ", after["process"] == before["process"])


def meet_the_hard_limit() -> None:
    before = look_there()
    receipt = export_and_tidy.apply_async(args=(5,), time_limit=0.5)  # seconds; this limit travels in the message
    tell("hard limit:", receipt)
    after = look_there()
    print("  its draft is left?    ", after["draft"])
    print("  is there a traceback? ", receipt.traceback is not None)
    print("  same process goes on? ", after["process"] == before["process"])


def swallow_the_soft_limit() -> None:
    tell("except Exception:", export_carelessly.apply_async(args=(5,), soft_time_limit=0.5))


def main() -> None:
    meet_the_soft_limit()
    meet_the_hard_limit()
    swallow_the_soft_limit()


if __name__ == "__main__":
    run_driver(main, app)
