"""Lesson 07 · Bound tasks: follow an id from the call to the result, and use it.

python -m lesson07.call_tasks
"""

from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

from celery import uuid
from celery.result import AsyncResult

from classroom.driver import run_driver
from lesson07.compare_requests import compare_requests
from lesson07.payments import charge
from lesson07.prices import look_up
from lesson07.reports import FOLDER, make_report
from lesson07.tasks import app, tell


def follow_an_id() -> None:
    known = uuid()  # made here: nothing has been sent, and nobody else knows it
    print("an id, and nothing sent yet: ", AsyncResult(known, app=app).state)
    receipt = tell.apply_async(args=("tea", 2), task_id=known)  # without task_id, this line would make an id itself
    print("receipt.id is that id:       ", receipt.id == known)
    print("self.request.id is that id:  ", answer(receipt)["id"] == known)
    print("the result, asked for by id: ", AsyncResult(known, app=app).state)


def answer(receipt: AsyncResult) -> Any:
    return receipt.get(timeout=10, interval=0.05)  # seconds between two looks, instead of 0.5


def name_things_after_the_id() -> None:
    for what, jams in ("report, retried once:", 1), ("the same, called again:", 0):
        receipt = make_report.delay(month=3, jams=jams)
        how, file = answer(receipt)
        print(f"{what:29} figures {how} · file named after the id: {file == f'output_{receipt.id[:8]}.txt'}")
    print("  its progress, by its id:   ", (FOLDER / f"progress:{receipt.id}").read_text())


def pay() -> None:
    for what, keys, fail in (
        ("payment, retried once:", [uuid()], 1),
        ("payment, one id sent twice:", [uuid()] * 2, 0),
        ("payment, called twice:", [uuid(), uuid()], 0),
    ):
        outcomes = [pay_under(key, fail) for key in keys]
        entries = sum((FOLDER / f"charge:{key}").exists() for key in set(keys))
        print(f"{what:29} {', then '.join(outcomes)} · charges: {entries}")


def pay_under(key: str, fail: int) -> str:
    receipt = charge.apply_async(args=("Ada", 20, fail), task_id=key)
    outcome = answer(receipt)
    receipt.forget()  # an id keeps its first result: without this, a second run couldn't tell us anything
    return outcome


def use_a_class_of_our_own() -> None:
    look_ups = [look_up.delay("tea") for _ in range(4)]
    openings = {said["process"]: said["openings"] for said in map(answer, look_ups)}
    print(f"4 look-ups:                   {len(openings)} processes, {sum(openings.values())} openings")
    for receipt in look_ups[0], look_up.delay("gold"):
        print("its class was told:          ", wait_for(FOLDER / f"ended:{receipt.id}"))


def wait_for(file: Path) -> str:
    deadline = monotonic() + 10
    while not file.exists():
        if monotonic() > deadline:
            raise TimeoutError(f"{file.name} never came")
        Event().wait(0.02)  # seconds until the next look
    return file.read_text()


def main() -> None:
    follow_an_id()
    compare_requests()
    name_things_after_the_id()
    pay()
    use_a_class_of_our_own()


if __name__ == "__main__":
    run_driver(main, app)
