"""Lesson 10 · Periodic tasks: watch beat and the worker, start a second beat, and ask when entries will fire.

python -m lesson10.call_tasks
"""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from socket import gethostname
from threading import Event
from time import monotonic, time
from zoneinfo import ZoneInfo

from celery.result import AsyncResult

from classroom.driver import run_driver
from lesson10 import firings
from lesson10.second_beat import second_beat, times_sent
from lesson10.tasks import TICKS, UPLOADS, app, remind

NEW_YORK = ZoneInfo("America/New_York")
DAYS_OLD = {"march.txt": 20, "april.txt": 8, "may.txt": 1}


def wait_until(fact: Callable[[], object], seconds: float = 15) -> None:
    until = monotonic() + seconds
    while not fact():
        if monotonic() > until:
            raise TimeoutError(f"waited for {seconds} s in vain")
        Event().wait(0.02)


def ask(command: str, **options: object) -> list:
    for answer in app.control.broadcast(command, reply=True, limit=1, timeout=10, **options):  # the first one's
        return next(iter(answer.values()))
    raise RuntimeError("Nobody answers. Is beat running? celery -A lesson10.tasks beat --loglevel=info")


def lay_out_uploads() -> None:
    UPLOADS.mkdir(exist_ok=True)
    for name, days in DAYS_OLD.items():
        (UPLOADS / name).touch()
        os.utime(UPLOADS / name, (0, time() - days * 86400))  # as if it had been there for so many days


def uploads_left() -> list[str]:
    return [name for name in DAYS_OLD if (UPLOADS / name).exists()]


def ticks() -> list[str]:
    return TICKS.read_text().splitlines() if TICKS.exists() else []


def ticks_in(seconds: float) -> int:
    before, start = len(ticks()), monotonic()
    wait_until(lambda: monotonic() - start > seconds)
    return len(ticks()) - before


def count_ticks() -> None:
    before = len(ticks())
    print(f"one beat:  ≈ {ticks_in(3)} ticks in 3 s")
    with second_beat():
        wait_until(lambda: len(set(ticks()[before:])) == 2)  # ticks of both have come
        print(f"two beats: ≈ {ticks_in(3)} ticks in 3 s")
    print(f"the second one's schedule file remembers: tick was sent ≈ {times_sent('tick')} times")


def let_ticks_expire() -> None:
    before = set(ask("revoked"))
    ask("cancel_consumer", arguments={"queue": "lesson10"})  # from now on the worker takes nothing
    try:
        ticks_in(2.5)
    finally:
        ask("add_consumer", arguments={"queue": "lesson10"})
    wait_until(lambda: set(ask("revoked")) > before)
    states = [AsyncResult(late, app=app).state for late in set(ask("revoked")) - before]
    print(f"worker away for 2.5 s, ticks too old when it came back: ≈ {len(states)},", *set(states))


def run_after(what: str, **when: object) -> None:
    start, receipt = monotonic(), remind.apply_async(args=(what,), **when)
    print(f"{receipt.get(timeout=10, interval=0.05)}: ran after ≈ {monotonic() - start:.1f} s")


def give_a_time() -> None:
    run_after("countdown, 1 s", countdown=1)
    run_after("aware eta, 1 s", eta=datetime.now(NEW_YORK) + timedelta(seconds=1))
    run_after("naive eta, 1 h", eta=datetime.now(NEW_YORK).replace(tzinfo=None) + timedelta(hours=1))


def main() -> None:
    lay_out_uploads()
    print("beat, asked how it is:", ask("ping", destination=[f"celerybeat@{gethostname()}"]))
    count_ticks()
    wait_until(lambda: len(uploads_left()) == 1)
    print("clean_up has left:", *uploads_left())
    let_ticks_expire()
    give_a_time()
    firings.main()


if __name__ == "__main__":
    run_driver(main, app)
