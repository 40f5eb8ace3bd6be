"""Lesson 16 · What brokers and result stores can do, measured: python -m lesson16.capabilities

It measures what the profile has, and writes the answers into capabilities.json and the tables of README.md. Nothing
else does: an answer changes only when what was measured has changed.
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from signal import SIGQUIT

from celery import chord
from celery.utils import uuid

from lesson16 import book
from lesson16.lab import BROKERS, Lab, until, wait_for
from lesson16.tasks import charge, charge_late

Cells = dict[str, str]  # row -> answer
FILE, README = Path(__file__).with_suffix(".json"), Path(__file__).with_name("README.md")
STORES = {"files": "SQLite", "RabbitMQ": "PostgreSQL", "Redis": "Redis"}  # where results go, by where messages go


def answer(fact: object) -> str:
    return "yes" if fact else "no"


def within(seconds: float, fact: Callable[[], object]) -> str:
    """Whether it comes true; "no" takes all of that time."""
    try:
        return answer(until(fact, "", seconds))
    except TimeoutError:
        return "no"


def a_worker_is_killed(lab: Lab) -> Cells:
    queue = lab.queue()
    worker = lab.worker(queue, "--concurrency=1")
    order = lab.send(charge_late, queue=queue, seconds=60)
    wait_for(order, "begun")
    lab.wait_until_at_work(queue)
    worker.kill_all()
    lab.worker(queue, "--concurrency=1")
    lab.read_up_to_here(queue)
    return {"redelivers after SIGKILL (`acks_late`)": within(8, lambda: order.count("charged"))}


def a_worker_hands_back(lab: Lab) -> Cells:
    queue = lab.queue()
    worker = lab.worker(queue, "--concurrency=1")
    order = lab.send(charge_late, queue=queue, seconds=60)
    wait_for(order, "begun")
    lab.wait_until_at_work(queue)
    worker.send_signal(SIGQUIT)
    until(worker.ended, "the worker has ended")
    lab.worker(queue, "--concurrency=1")
    wait_for(order, "charged")
    return {
        "redelivers after SIGQUIT (`acks_late`)": answer(order.count("charged")),
        '`delivery_info["redelivered"]` is set': answer(order.count("redelivered")),
    }


def a_worker_is_at_rest(lab: Lab) -> Cells:
    queue = lab.queue()
    worker = lab.worker(queue, "--concurrency=4")
    inspect = within(30, lambda: lab.ask(queue, "registered"))
    lab.read_up_to_here(queue)
    once, later = (lab.send(charge, queue=queue, options={"countdown": seconds}) for seconds in (3.5, 4.5))
    events = answer(f"{queue}@" in str(heard(lab)))
    wait_for(later, "charged")
    lab.wait_until_at_work(queue, 0)  # Redis has handed the message out more than once: its other runs end as well

    def ends_when_told() -> bool:
        lab.app.control.shutdown(destination=[lab.node(queue)])  # again if need be: no broker keeps a command
        return within(5, worker.ended) == "yes"

    return {
        "`inspect` and `control` are answered": inspect,
        "events": events,
        "a countdown longer than Redis's visibility timeout runs once": answer(once.count("charged") == 1),
        "remote `shutdown`": within(40, ends_when_told),  # a pool whose last results are late waits 30 s
    }


def heard(lab: Lab) -> list[str]:
    """Node names of those whose events come when all are asked for a sign of life."""
    names: list[str] = []
    with lab.app.connection_for_read() as connection, suppress(TimeoutError):
        receiver = lab.app.events.Receiver(connection, handlers={"*": lambda event: names.append(event["hostname"])})
        for _ in zip(range(50), receiver.itercapture(timeout=2), strict=False):
            if any(lab.name in name for name in names):
                break
        receiver.queue(connection.default_channel).delete()
    return names


def a_worker_is_told(lab: Lab) -> Cells:
    queue = lab.queue()
    lab.worker(queue, "--concurrency=1")
    lab.read_up_to_here(queue)
    until(lambda: lab.ask(queue, "registered"), "it hears us")
    waiting = lab.send(charge, queue=queue, options={"countdown": 1.5})
    lab.app.control.revoke(waiting.receipt.id, destination=[lab.node(queue)], reply=True, limit=1, timeout=10)
    busy, next_one = (lab.send(charge, queue=queue, seconds=60) for _ in range(2))
    wait_for(busy, "begun")
    until(lambda: not lab.waiting(queue), "it has taken the next one as well")
    hears = within(8, lambda: lab.ask(queue, "registered"))
    for order in busy, next_one:
        order.go_on()
    wait_for(lab.send(charge, queue=queue, options={"countdown": 1.5}), "ended")
    return {
        "`revoke` stops a task that waits for its countdown": answer(not waiting.count("charged")),
        "a worker hears commands while all of its processes are busy": hears,
    }


def tasks_have_priorities(lab: Lab) -> Cells:
    queue = lab.queue(max_priority=9)  # only RabbitMQ wants to know it beforehand
    path = lab.path()
    sent = {each: lab.send(charge, path, queue=queue, options={"priority": each}) for each in (3, 0, 9)}
    lab.worker(queue, "--concurrency=1", "--", "task.queue_max_priority=9")
    (first,) = (each for each, order in sent.items() if order.receipt.get(timeout=30, interval=0.05) == "run 1")
    return {"priorities": "no" if first == 3 else f"{first} first"}


def a_chord_runs(lab: Lab) -> Cells:
    queue = lab.queue()
    lab.worker(queue, "--concurrency=2")
    header, receipt, told = (lab.app.tasks[name] for name in ("charge", "send_receipt", "call_back"))
    paths = {}
    for what in "ignored", "kept", "failing":
        paths[what] = path = lab.path()
        parts = [header.s(path).set(queue=queue, ignore_result=what == "ignored") for _ in range(2)]
        if what == "failing":
            parts = [lab.app.tasks["decline"].s(path).set(queue=queue)] * 2
        callback = receipt.s(order=path).set(queue=queue).on_error(told.si(path).set(queue=queue))
        chord(parts, app=lab.app)(callback)
    until(lambda: book.count(paths["kept"], "receipt sent"), "a receipt is sent")
    return {
        "a chord's end is noticed without polling": answer("chord_unlock" not in lab.log(queue).read_text()),
        "a chord whose header ignores its results ends": answer(book.count(paths["ignored"], "receipt sent")),
        "`on_error` of a chord's callback is called": within(20, lambda: book.count(paths["failing"], "called back")),
    }


def a_result_grows_old(lab: Lab) -> Cells:
    queue = lab.queue()
    lab.worker(queue, "--concurrency=1", "--", "result.expires=1")
    order = lab.send(charge, queue=queue)
    until(order.receipt.exists, "the result is there")
    return {"results expire without beat": within(4, lambda: not order.receipt.exists())}


def a_failure_is_set_by_hand(lab: Lab) -> Cells:
    """As update_state(state="FAILURE", meta={"error": "…"}) does, before the task returns."""
    store, name = lab.app.backend, uuid()
    with suppress(ValueError):
        store.store_result(name, {"error": "no money"}, "FAILURE")
        store.store_result(name, "charged", "SUCCESS")
    try:
        state = lab.app.AsyncResult(name).state
    except ValueError:
        state = ""
    return {"a state FAILURE set by hand does no harm": answer(state == "SUCCESS")}


BROKER_MEASURES = (
    a_worker_is_killed,
    a_worker_hands_back,
    a_worker_is_at_rest,
    a_worker_is_told,
    tasks_have_priorities,
)
STORE_MEASURES = (a_chord_runs, a_result_grows_old, a_failure_is_set_by_hand)


def measure() -> dict[str, dict[str, Cells]]:
    """Kind of table → column → row → answer, for the brokers and result stores that are here."""
    with ThreadPoolExecutor(4) as pool:
        todo = {
            (kind, broker): [pool.submit(perform, measuring, broker) for measuring in measures]
            for broker in BROKERS
            for kind, measures in (("brokers", BROKER_MEASURES), ("stores", STORE_MEASURES))
        }
        found: dict[str, dict[str, Cells]] = {"brokers": {}, "stores": {}}
        for (kind, broker), cells in todo.items():
            column = broker if kind == "brokers" else STORES[broker]
            found[kind][column] = {row: cell for each in cells for row, cell in each.result().items()}
    return found


def perform(measuring: Callable[[Lab], Cells], broker: str) -> Cells:
    with Lab(measuring.__name__, broker) as lab:
        return measuring(lab)


def tables(known: dict[str, dict[str, Cells]]) -> str:
    """What capabilities.json holds, as Markdown."""
    return "\n\n".join(table(known[kind]) for kind in ("brokers", "stores"))


def table(columns: dict[str, Cells]) -> str:
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for row in next(iter(columns.values())):
        lines.append(f"| {row} | " + " | ".join(cells.get(row, "?") for cells in columns.values()) + " |")
    return "\n".join(lines)


def in_readme(text: str, known: dict[str, dict[str, Cells]]) -> str:
    """The README with these tables."""
    before, begin, rest = text.partition("<!-- measured by capabilities.py -->\n")
    _, end, after = rest.partition("\n<!-- end -->")
    return before + begin + tables(known) + end + after


if __name__ == "__main__":
    known = json.loads(FILE.read_text()) if FILE.exists() else {"brokers": {}, "stores": {}}
    order = {"brokers": list(STORES), "stores": list(STORES.values())}
    for kind, columns in measure().items():
        merged = {**known[kind], **columns}
        known[kind] = {column: merged[column] for column in order[kind] if column in merged}
    FILE.write_text(json.dumps(known, indent=2) + "\n")
    README.write_text(in_readme(README.read_text(), known))
