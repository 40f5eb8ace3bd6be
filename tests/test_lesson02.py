"""Lesson 02's claims, on a live worker."""

import os

import pytest
from celery import chain, uuid
from celery.exceptions import NotRegistered, TaskRevokedError, TimeoutError
from celery.result import AsyncResult

from classroom.evidence import ENDED
from classroom.recorder import recording
from lesson02 import call_tasks
from lesson02.tasks import add, add_and_multiply, app, divide, multiply, subtract

pytestmark = pytest.mark.usefixtures("workers")


def test_each_value_becomes_the_first_argument_of_the_next() -> None:
    """add(1, 2), multiply by 3, divide by 7, subtract 2: every middle result is found by its own id."""
    ids = [uuid() for _ in range(4)]
    links = [add.s(1, 2), multiply.s(3), divide.s(7), subtract.s(2)]
    receipt = chain(link.set(task_id=task_id) for link, task_id in zip(links, ids, strict=True)).apply_async()
    assert receipt.id == ids[-1]
    assert receipt.get(timeout=10) == 3.0 * 3 / 7 - 2
    middle = [AsyncResult(task_id, app=app) for task_id in ids]
    assert [link.get(timeout=10) for link in middle] == [3.0, 9.0, 9.0 / 7, 9.0 / 7 - 2]
    assert [link.args for link in middle] == [[1, 2], [3.0, 3], [9.0, 7], [9.0 / 7, 2]]


@pytest.mark.once
def test_the_first_value_is_a_float() -> None:
    """add returns 3.0; that it isn't 3 survives the journey."""
    assert repr(add.delay(1, 2).get(timeout=10)) == "3.0"


def test_parent_leads_backwards() -> None:
    """The receipt is the last link's, and .parent goes back to the first, whose own is None."""
    receipt = chain(add.s(1, 2), multiply.s(3), divide.s(9)).apply_async()
    assert receipt.get(timeout=10) == 1.0
    assert receipt.parent.get(timeout=10) == 9.0
    assert receipt.parent.parent.get(timeout=10) == 3.0
    assert receipt.parent.parent.parent is None


@pytest.mark.once
def test_a_bar_makes_a_chain_too() -> None:
    """a | b holds the same links as chain(a, b)."""
    links = add.s(1, 2) | multiply.s(3)
    assert list(links.tasks) == list(chain(add.s(1, 2), multiply.s(3)).tasks)
    assert links.apply_async().get(timeout=10) == 9.0


@pytest.mark.once
def test_an_immutable_link_takes_nothing() -> None:
    """.si(10, 10) is called with just that; .s(10, 10) gets the value before as well, which is one too many."""
    assert chain(add.s(1, 2), multiply.si(10, 10)).apply_async().get(timeout=10) == 100
    with pytest.raises(TypeError, match="takes 2 positional arguments but 3 were given"):
        chain(add.s(1, 2), multiply.s(10, 10)).apply_async().get(timeout=10)


def test_only_the_first_link_is_sent_by_the_caller() -> None:
    """The worker that has done a link sends the next one."""
    with recording(app) as events:
        chain(add.s(1, 2), multiply.s(3)).apply_async().get(timeout=10)
    sent = {event["name"].rpartition(".")[2]: event["pid"] for event in events if event["type"] == "task-sent"}
    assert set(sent) == {"add", "multiply"}
    assert sent["add"] == os.getpid() != sent["multiply"]


def test_links_after_a_failure_never_reach_a_worker() -> None:
    """They are marked with the failing link's exception all the same, so the chain's get() raises it."""
    with recording(app) as events:
        receipt = chain(add.s(1, 2), divide.s(0), subtract.s(2)).apply_async()
        assert isinstance(receipt.get(timeout=10, propagate=False), ZeroDivisionError)
    assert {event["uuid"] for event in events} == {receipt.parent.parent.id, receipt.parent.id}
    assert (receipt.state, receipt.worker) == ("FAILURE", None)
    assert receipt.parent.worker
    with pytest.raises(ZeroDivisionError):
        receipt.get(timeout=10)


@pytest.mark.parametrize(
    ("how", "states", "error"),
    [
        ("unknown", "FAILURE PENDING PENDING", NotRegistered),
        ("revoked", "REVOKED PENDING PENDING", TaskRevokedError),
        ("ignored", "PENDING PENDING PENDING", TimeoutError),
    ],
)
def test_some_links_leave_the_later_ones_pending(how: str, states: str, error: type[Exception]) -> None:
    """Later links are marked only by a link that raises and stores it; get() raises what it finds in a link before."""
    link = {
        "unknown": app.signature("lesson02.tasks.nobody", immutable=True),
        "revoked": add.si(3, 4),
        "ignored": divide.si(1, 0).set(ignore_result=True),
    }[how].set(task_id=uuid())
    if how == "revoked":
        app.control.revoke(link.id, reply=True, limit=1, timeout=30)  # the worker has heard it
    with recording(app) as events:
        receipt = chain(add.si(1, 2), link, add.si(5, 6), add.si(7, 8)).apply_async()
    assert link.id in {event["uuid"] for event in events if event["type"] in ENDED}  # so nothing marks the later ones
    with pytest.raises(error):
        receipt.get(timeout=0.5)
    with pytest.raises(TimeoutError):  # made from its id, it doesn't know the links before
        AsyncResult(receipt.id, app=app).get(timeout=0.5)
    assert f"{receipt.parent.parent.state} {receipt.parent.state} {receipt.state}" == states


def test_a_link_that_ignores_its_result_still_passes_it_on() -> None:
    """What is ignored is the storing, not the value."""
    receipt = chain(add.s(1, 2).set(ignore_result=True), multiply.s(3)).apply_async()
    assert receipt.get(timeout=10) == 9.0
    assert receipt.parent.state == "PENDING"


def test_under_a_fixed_id_lies_the_first_result() -> None:
    """A second run under the same id reads the first one's value, and doesn't replace it."""
    fixed = uuid()
    with recording(app):  # until the first run's last event is here: the second one's have the same id
        assert add.apply_async((1, 2), task_id=fixed).get(timeout=10) == 3.0
    with recording(app) as events:
        assert add.apply_async((5, 5), task_id=fixed).get(timeout=10) == 3.0
    assert events[-1]["result"] == "10.0"  # it ran
    assert AsyncResult(fixed, app=app).get(timeout=10) == 3.0


def test_waiting_inside_a_task_is_refused() -> None:
    """get() in a task raises RuntimeError; what the task had sent runs nevertheless."""
    with recording(app) as events, pytest.raises(RuntimeError, match="Never call result"):
        add_and_multiply.delay(1, 2, 3).get(timeout=10)
    assert [event["result"] for event in events if event["type"] == "task-succeeded"] == ["3.0"]


def test_the_driver_tells_every_middle_value(capsys: pytest.CaptureFixture[str]) -> None:
    """3.0, 9.0, 1.285…, −0.714…, each by its own id."""
    call_tasks.run_four_links()
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[1][:6] for line in told[1:5]] == ["3.0", "9.0", "1.2857", "-0.714"]
