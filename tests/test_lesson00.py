"""Lesson 00's claims, on a live worker."""

from datetime import UTC, datetime, timedelta

import pytest
from celery import uuid
from celery.result import AsyncResult
from kombu.exceptions import EncodeError

from classroom.recorder import recording
from lesson00 import call_tasks
from lesson00.tasks import add, app, describe, divide

pytestmark = pytest.mark.usefixtures("workers")


def test_a_call_comes_back() -> None:
    """delay() sends, get() brings the value home."""
    assert add.delay(2, 3).get(timeout=10) == 5


def test_a_countdown_waits() -> None:
    """With countdown=1 the message has an eta, a second after the call, and the task starts no earlier."""
    before = datetime.now(UTC)
    with recording(app) as events:
        receipt = add.apply_async(args=(20, 30), countdown=1)
        after = datetime.now(UTC)
        assert receipt.get(timeout=10) == 50
    at = {event["type"]: datetime.fromtimestamp(event["timestamp"], UTC) for event in events}
    (eta,) = (datetime.fromisoformat(event["eta"]) for event in events if event["type"] == "task-sent")
    assert before <= eta - timedelta(seconds=1) <= after
    assert at["task-started"] >= eta


def test_a_failure_travels_home() -> None:
    """get() raises what the task raised; propagate=False hands it over, traceback included."""
    receipt = divide.delay(1, 0)
    with pytest.raises(ZeroDivisionError):
        receipt.get(timeout=10)
    assert isinstance(receipt.get(timeout=10, propagate=False), ZeroDivisionError)
    assert receipt.failed()
    assert not receipt.successful()
    assert "in divide" in receipt.traceback


@pytest.mark.parametrize("what", ["unknown", "waiting", "forgotten"])
def test_pending_means_nothing_is_known(what: str) -> None:
    """An id never sent, a task that waits and a result thrown away are all PENDING."""
    receipt = AsyncResult(uuid(), app=app)
    if what == "waiting":
        receipt = add.apply_async(args=(1, 1), countdown=60)
    if what == "forgotten":
        receipt = add.delay(1, 1)
        receipt.get(timeout=10)
        receipt.forget()
    assert receipt.state == "PENDING"
    receipt.revoke()


@pytest.mark.once
def test_arguments_travel_as_json() -> None:
    """A tuple arrives as a list, and a set is refused before anything is sent."""
    assert describe.delay((1, 2)).get(timeout=10) == "a list: [1, 2]"
    with pytest.raises(EncodeError):
        describe.delay({1, 2})


@pytest.mark.once
def test_delay_checks_how_many_arguments_there_are_but_not_their_types() -> None:
    """A call that doesn't fit the signature raises here, before anything is sent; a wrong type fails on the worker."""
    with recording(app) as events:
        for args, kwargs in ([1], {}), ([1, 2, 3], {}), ([1], {"z": 2}):
            with pytest.raises(TypeError, match=r"^divide\(\)"):
                divide.delay(*args, **kwargs)
    assert events == []
    assert isinstance(divide.delay("one", 0).get(timeout=10, propagate=False), TypeError)


@pytest.mark.once
def test_a_task_is_named_after_its_module() -> None:
    """The automatic name is module.function."""
    assert add.name == "lesson00.tasks.add"


def test_the_driver_calls_add_once_here_and_once_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Both ways give the same value."""
    call_tasks.call_here_and_there()
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["5", "5"]
