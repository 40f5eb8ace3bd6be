"""Lesson 03's claims, on live workers."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from types import ModuleType

import pytest
from celery import Signature, chain, chord, group, uuid
from celery.backends.redis import RedisBackend
from celery.exceptions import ChordError, TimeoutError
from celery.result import AsyncResult

from classroom.evidence import Evidence
from classroom.recorder import recording
from lesson03 import tasks, tasks_postgres
from lesson03.tasks import apologise, cook, serve

pytestmark = pytest.mark.usefixtures("workers")
either_backend = pytest.mark.parametrize("kitchen", [tasks, tasks_postgres], ids=["redis", "postgres"])
counts = isinstance(tasks.app.backend, RedisBackend)  # on the embedded profile, SQLite stands in


def times(events: list[dict], kind: str) -> list[float]:
    """When events of this kind happened."""
    return [event["timestamp"] for event in events if event["type"] == kind]


def polls(events: list[dict]) -> list[str]:
    """What happened to celery.chord_unlock, in order."""
    ids = {event["uuid"] for event in events if event.get("name") == "celery.chord_unlock"}
    return [event["type"] for event in events if event["uuid"] in ids]


def sent_by(events: list[dict], receipt: AsyncResult) -> str:
    """The id of the task that sent this one."""
    (parent,) = {event["parent_id"] for event in events if event["type"] == "task-sent" and event["uuid"] == receipt.id}
    return parent


@either_backend
def test_a_group_runs_side_by_side(kitchen: ModuleType) -> None:
    """All three have started before the first has ended, and the results come in the group's order."""
    with recording(tasks.app, tasks_postgres.app) as events:
        dishes = group(
            kitchen.cook.s(dish, seconds) for dish, seconds in (("rice", 0.8), ("soup", 0.7), ("fish", 0.6))
        )()
        assert dishes.get(timeout=10, interval=0.05) == ["hot rice", "hot soup", "hot fish"]
    assert max(times(events, "task-started")) < min(times(events, "task-succeeded"))


@either_backend
def test_the_callback_gets_the_results_in_the_headers_order(kitchen: ModuleType) -> None:
    """The dish done last comes first where the header has it first; the header is the receipt's .parent."""
    meal = chord([kitchen.cook.s("rice", 0.4), kitchen.cook.s("fish", 0)])(kitchen.serve.s())
    assert meal.get(timeout=10, interval=0.05) == "2 dishes: ['hot rice', 'hot fish']"
    rice, fish = meal.parent.results
    assert (rice.get(timeout=10), fish.get(timeout=10)) == ("hot rice", "hot fish")
    assert fish.date_done < rice.date_done <= meal.date_done


def test_a_database_chord_is_polled_each_second() -> None:
    """chord_unlock looks first after 1 second; where the header isn't done by then, it retries."""
    with recording(tasks.app, tasks_postgres.app) as events:
        meal = chord([tasks_postgres.cook.s("rice", 1.2)])(tasks_postgres.serve.s())
        meal.get(timeout=10, interval=0.05)
    looks = polls(events)
    assert looks.count("task-retried") >= 1
    assert looks[-1] == "task-succeeded"
    assert "task-retried" not in looks[looks.index("task-succeeded") :]


def test_a_database_chord_takes_a_second_at_least() -> None:
    """However quick the header is: chord_unlock is sent with a countdown of 1, and sends the callback when it runs."""
    seen = Evidence()
    with recording(tasks.app, tasks_postgres.app) as seen.events:
        meal = chord([tasks_postgres.cook.s("tea", 0)])(tasks_postgres.serve.s())
    assert all(0 < seconds <= 1 for seconds in seen.countdowns("chord_unlock"))  # less when it is sent late
    (unlocked,) = {event["uuid"] for event in seen.events if event.get("name") == "celery.chord_unlock"}
    assert sent_by(seen.events, meal) == unlocked


def test_redis_counts_and_is_not_polled() -> None:
    """On Redis no chord_unlock is sent: the last header task sends the callback; SQLite in its place is polled."""
    with recording(tasks.app, tasks_postgres.app) as events:
        meal = chord([cook.s("rice", 0), cook.s("fish", 0)])(serve.s())
        meal.get(timeout=10, interval=0.05)
    assert bool(polls(events)) is not counts
    assert (sent_by(events, meal) in [dish.id for dish in meal.parent.results]) is counts


@either_backend
def test_a_failing_header_fails_the_chord(kitchen: ModuleType) -> None:
    """get() raises what the header raised; when all the header has ended, the callback is marked and never sent."""
    with recording(tasks.app, tasks_postgres.app) as events:
        meal = chord([kitchen.cook.s("rice", 0.4), kitchen.cook.s("stone", 0)])(kitchen.serve.s())
        with pytest.raises(ValueError, match="a stone stays hard"):
            meal.get(timeout=10, interval=0.05)
        assert isinstance(meal.get(timeout=10, interval=0.05, propagate=False), ChordError)
    assert meal.state == "FAILURE"
    assert [dish.state for dish in meal.parent.results] == ["SUCCESS", "FAILURE"]
    assert meal.id not in {event["uuid"] for event in events}


@either_backend
def test_an_error_callback_is_called_when_the_header_fails(kitchen: ModuleType) -> None:
    """on_error of the callback runs a task of one's own choice, on either backend."""
    instead = uuid()
    callback = kitchen.serve.s().on_error(kitchen.serve.si(["bread"]).set(task_id=instead))
    chord([kitchen.cook.s("stone", 0)])(callback)
    assert AsyncResult(instead, app=kitchen.app).get(timeout=10, interval=0.05) == "1 dishes: ['bread']"


def test_an_error_callback_is_given_the_id_of_the_callback() -> None:
    """With .s() it is called with the id under which the failure lies; with .si() it isn't."""
    apology = uuid()
    meal = chord([cook.s("stone", 0)])(serve.s().on_error(apologise.s().set(task_id=apology)))
    assert AsyncResult(apology, app=tasks.app).get(timeout=10, interval=0.05) == f"there is no {meal.id}"


def test_an_error_callback_of_two_parameters_is_not_sent() -> None:
    """cook has two: it is called where the failure was noticed, and no message ever has its id."""
    called = uuid()
    with recording(tasks.app, tasks_postgres.app) as events:
        meal = chord([cook.si("stone", 0)])(serve.s().on_error(cook.si("tea", 0).set(task_id=called)))
    assert meal.state == "FAILURE"
    assert called not in {event["uuid"] for event in events}


@either_backend
def test_a_header_task_that_no_worker_knows(kitchen: ModuleType) -> None:
    """Redis doesn't count it: the callback stays PENDING, and its error callback isn't called. A database notices."""
    instead = uuid()
    header = [kitchen.cook.si("rice", 0), kitchen.app.signature("kitchen.unknown", immutable=True)]
    callback = kitchen.serve.s().on_error(kitchen.serve.si(["bread"]).set(task_id=instead))
    with recording(tasks.app, tasks_postgres.app):  # until all that was sent has ended
        meal = chord(header)(callback)
    hangs = counts and kitchen is tasks
    assert meal.state == ("PENDING" if hangs else "FAILURE")
    assert AsyncResult(instead, app=kitchen.app).state == ("PENDING" if hangs else "SUCCESS")


@either_backend
def test_an_empty_header_calls_the_callback_with_an_empty_list(kitchen: ModuleType) -> None:
    """Nothing to wait for: the callback is sent at once, and nobody polls."""
    with recording(tasks.app, tasks_postgres.app) as events:
        assert chord([])(kitchen.serve.s()).get(timeout=10, interval=0.05) == "0 dishes: []"
    assert polls(events) == []


def test_an_ignored_result_hangs_a_database_chord(workers: dict[str, Path]) -> None:
    """chord_unlock looks for a row that no task will write, again and again; writing it ends that."""
    log = workers["worker-postgres"]

    def looks() -> int:
        return log.read_text().count("] retry: ")

    ignored, app = uuid(), tasks_postgres.app
    tea = tasks_postgres.cook.s("tea", 0).set(ignore_result=True, task_id=ignored)
    with recording(tasks.app, app) as events:
        before, deadline = looks(), monotonic() + 30
        meal = chord([tasks_postgres.cook.s("rice", 0), tea])(tasks_postgres.serve.s())
        try:
            while looks() < before + 2:
                assert monotonic() < deadline, f"chord_unlock didn't look twice; see {log}"
                sleep(0.02)
            assert meal.state == "PENDING"
        finally:
            app.backend.store_result(ignored, "cold tea", "SUCCESS")
        assert meal.get(timeout=10) == "2 dishes: ['hot rice', 'cold tea']"
    assert polls(events).count("task-retried") >= 2


@pytest.mark.skipif(not counts, reason="Redis isn't there: SQLite stands in for it")
def test_an_ignored_result_does_not_hang_a_redis_chord() -> None:
    """What Redis counts is the header task's end, and the value goes with it."""
    meal = chord([cook.s("rice", 0), cook.s("tea", 0).set(ignore_result=True)])(serve.s())
    assert meal.get(timeout=10) == "2 dishes: ['hot rice', 'hot tea']"


Part = Callable[[str], Signature]
FAILING: dict[str, Callable[[Part], Signature]] = {
    "task": lambda part: part("stone"),
    "chain": lambda part: chain(part("a1"), part("stone")),
    "group": lambda part: group(part("stone"), part("a2")),
    "chord, in its header": lambda part: chord([part("stone"), part("a2")], part("a3")),
    "chord, in its callback": lambda part: chord([part("a1"), part("a2")], part("stone")),
}
FOLLOWING: dict[str, Callable[[Part], Signature]] = {
    "task": lambda part: part("b1"),
    "chain": lambda part: chain(part("b1"), part("b2")),
    "group": lambda part: group(part("b1"), part("b2")),
    "chord": lambda part: chord([part("b1"), part("b2")], part("b3")),
}
PENDING_AFTER_A_LINK = {"group": "b1 b2", "group, task": "b1 b2", "chord": "b1 b2", "chord, task": "b1 b2"}
PENDING_AFTER_A_GROUP = {
    "chain": "b1",
    "task, task": "b1",
    "chain, task": "b1 b2",
    "group, task": "b1 b2 last",
    "chord": "b1 b2 b3",
    "chord, task": "b1 b2 b3 last",
}


def nestings(redis: bool) -> Iterator[tuple[str, Callable[[Part], Signature], str]]:
    """Every nesting of depth two in which one part fails: its name, how to make it, and the parts it leaves PENDING."""
    for kind, fail in FAILING.items():
        bad, left = f"failing {kind}", PENDING_AFTER_A_GROUP if kind == "group" else PENDING_AFTER_A_LINK
        for next_, follow in FOLLOWING.items():
            pair = f"{next_}, task"
            yield f"chain({bad}, {next_})", lambda p, a=fail, b=follow: chain(a(p), b(p)), left.get(next_, "")
            yield f"chain({bad}, {pair})", lambda p, a=fail, b=follow: chain(a(p), b(p), p("last")), left.get(pair, "")
        hangs = "d" if redis and kind == "chord, in its header" else ""
        yield f"group({bad}, task)", lambda p, a=fail: group(a(p), p("c")), ""
        yield f"chord([{bad}, task], task)", lambda p, a=fail: chord([a(p), p("c")], p("d")), hangs
        yield f"chord([task, task], {bad})", lambda p, a=fail: chord([p("c"), p("d")], a(p)), ""
    for next_, follow in FOLLOWING.items():
        name, left = f"chord([stone, task], {next_})", PENDING_AFTER_A_GROUP.get(next_, "")
        yield name, lambda p, b=follow: chord([p("stone"), p("c")], b(p)), left


@pytest.mark.filterwarnings("ignore:task_allow_error_cb_on_chord_header")
@pytest.mark.parametrize("callback", [False, True], ids=["alone", "with an error callback"])
@either_backend
def test_what_a_failure_leaves_pending(kitchen: ModuleType, callback: bool) -> None:
    """All the rows of the README's table of nestings, and that no other nesting leaves anything PENDING."""
    if kitchen is tasks and not counts:
        pytest.skip("SQLite stands in for Redis: the other backend's test says it all")
    sent, app = {}, kitchen.app
    with recording(tasks.app, tasks_postgres.app, patience=30) as events:
        for name, make, left in nestings(redis=kitchen is tasks):
            ids: dict[str, str] = defaultdict(uuid)
            whole = make(lambda part, ids=ids: kitchen.cook.si(part, 0).set(task_id=ids[part]))  # type: ignore[misc]
            if callback:
                whole = whole.on_error(kitchen.serve.si([name]))
            sent[name] = ids, left, whole.apply_async()
    assert len(sent) == 59
    for name, (ids, left, receipt) in sent.items():
        pending = {part for part, task_id in ids.items() if AsyncResult(task_id, app=app).state == "PENDING"}
        assert pending == set(left.split()), name
        waits = name.endswith(", group)") and left == "b1 b2"
        with pytest.raises(TimeoutError if waits else (ValueError, ChordError)):
            receipt.get(timeout=1)
    if callback:
        told = {name for name in sent if any(name in str(event.get("result")) for event in events)}
        assert {name for name in sent if name not in told} == {
            "chain(failing group, group, task)",
            "chain(failing group, chord)",
            "chain(failing group, chord, task)",
            "chord([stone, task], chord)",
        }
