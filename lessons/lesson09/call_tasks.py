"""Lesson 09 · Task size: how much work should go into one task? Say what you believe, then measure.

python -m lesson09.call_tasks --predict 10
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from celery import group
from rich.console import Console

from classroom.driver import run_driver
from lesson09 import call_batches, call_stages, plot
from lesson09.tasks import app, work, work_through

ITEMS = 10_000
SECONDS = 0.0001  # that one item takes
MOST_TASKS = 10  # a sample that is large enough: nobody wants to wait for 10 000 tasks of one item


def warm_up() -> None:
    group(work.s(item, 0.1) for item in (1, 2))().get(timeout=10)  # the first call of a process takes longer


def compare_four_ways() -> None:
    print("The same 8 items of 0.05 s, four ways:")
    calls = [(item, 0.05) for item in range(1, 9)]
    ways = {
        "group, a task per item:": group(work.s(*call) for call in calls),
        "chunks of 4 items:": work.chunks(calls, 4),
        "starmap:": work.starmap(calls),
        "a task with a loop in it:": work_through.s(1, 8, 0.05),
    }
    for how, ready_to_send in ways.items():
        start = perf_counter()
        receipt = ready_to_send.apply_async()
        result = receipt.get(timeout=10, interval=0.02)
        messages = len(getattr(receipt, "results", [receipt]))  # a group's receipt holds one for each message
        print(f"  {how:26}≈ {perf_counter() - start:.2f} s, messages: {messages}, get(): {result}")


def milliseconds_per_item(size: int) -> float:
    batches = [(first, min(first + size - 1, ITEMS)) for first in range(1, ITEMS + 1, size)][:MOST_TASKS]
    start = perf_counter()
    receipts = group(work_through.s(*batch, SECONDS) for batch in batches)()
    items = sum(receipts.get(timeout=30, interval=0.02))
    return (perf_counter() - start) * 1000 / items


def measure(predicted: int, picture: Path | None = None) -> None:
    print(f"{ITEMS} items of 0.1 ms each, for 2 processes. Items per task, and what an item costs then:")
    costs = {size: milliseconds_per_item(size) for size in sorted({1, 10, 100, 1000, 10_000, predicted})}
    for size, cost in costs.items():
        print(f"  {size:6}  ≈ {cost:7.3f} ms")
    best = min(costs, key=lambda size: costs[size])
    yours, least = (costs[size] * ITEMS / 1000 for size in (predicted, best))  # seconds for all items
    print(f"Best was ≈ {best} items per task: ≈ {least:.1f} s for all of them. You said {predicted}: ≈ {yours:.1f} s.")
    plot.draw(costs, predicted, Console(stderr=True))
    if picture:
        picture.write_text(plot.svg(costs, predicted))


PARTS: dict[str, Callable[[], None]] = {"ways": compare_four_ways, **call_batches.PARTS, **call_stages.PARTS}


def main(predicted: int = 10, only: str = "", picture: Path | None = None) -> None:
    if only in ("", "measure"):
        print(f"Your prediction: tasks of {predicted} items will be best. (Another one: --predict 100)")
    warm_up()
    for name, part in PARTS.items():
        if only in ("", name):
            part()
    if only in ("", "measure"):
        measure(predicted, picture)


def a_size(said: str) -> int:
    if not said.isdecimal() or not 1 <= int(said) <= ITEMS:
        raise argparse.ArgumentTypeError(f"{said} isn't a number from 1 to {ITEMS}.")
    return int(said)


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("--predict", type=a_size, default=10, help="how many items per task will be best?")
    asked.add_argument("--only", default="", choices=[*PARTS, "measure"], help="one part of the story")
    asked.add_argument("--plot", type=Path, help="save the plot as a picture")
    said = asked.parse_args()
    run_driver(lambda: main(said.predict, said.only, said.plot), app)
