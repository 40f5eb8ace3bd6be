"""Lesson 08: ask for a task's state until it is done, with a progress bar on stderr meanwhile."""

from itertools import groupby
from time import monotonic, sleep

from celery import uuid
from celery.result import AsyncResult
from celery.states import READY_STATES
from rich.console import Console
from rich.progress import Progress

from lesson08 import tasks, tasks_postgres


def watch(receipt: AsyncResult, until: str = "", seconds: float = 20) -> list[dict]:
    """All answers until the task is done, or its state is `until`; gives up after so many seconds."""
    looks: list[dict] = []
    deadline = monotonic() + seconds
    with Progress(console=Console(stderr=True)) as bars:
        bar = bars.add_task("waiting", total=None)  # None: nobody knows yet how much there is to do
        while monotonic() < deadline:
            look = receipt.backend.get_task_meta(receipt.id)  # receipt.state and receipt.info would be two looks
            looks.append(look)
            if look["status"] == "PROGRESS":
                meta = look["result"]  # what the task gave as meta
                bars.update(bar, description=meta["message"], completed=meta["current"], total=meta["total"])
            if look["status"] == "SUCCESS":
                bars.update(bar, description="done", completed=1, total=1)
            if look["status"] in {until, *READY_STATES}:
                break
            sleep(0.05)  # between two looks
    return looks


def progress() -> None:
    for how, shop in ("task_track_started:", tasks), ("without it:", tasks_postgres):
        receipt = AsyncResult(uuid(), app=shop.app)  # an id of our own: we ask for it before anything is sent
        states = [receipt.state]
        shop.print_pages.apply_async(args=(10,), task_id=receipt.id)
        looks = watch(receipt)
        states += [look["status"] for look in looks]
        print(f"{how:25}", " → ".join(state for state, _ in groupby(states)))
    pages = [look["result"]["current"] for look in looks if look["status"] == "PROGRESS"]
    print("did it ever go back?     ", pages != sorted(pages))
    print("in place of the progress:", looks[-1]["result"])
