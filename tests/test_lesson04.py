"""Lesson 04's claims, on a live worker."""

from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from celery import Celery, Task
from celery.exceptions import MaxRetriesExceededError, Retry, SoftTimeLimitExceeded
from celery.result import AsyncResult

from classroom.evidence import Evidence
from classroom.recorder import recording
from lesson04.tasks import app, fetch, fetch_and_swallow, fetch_backing_off, read_price

pytestmark = pytest.mark.usefixtures("workers")


def etas_that_hold(seen: Evidence) -> int:
    """How many messages had an eta; none of their runs started before it."""
    etas = [datetime.fromisoformat(e["eta"]).timestamp() for e in seen.events if e["type"] == "task-sent" and e["eta"]]
    starts = [e["timestamp"] for e in seen.events if e["type"] == "task-started"]
    assert all(start >= eta for eta, start in zip(etas, starts[1:], strict=True))
    return len(etas)


def test_three_retries_are_four_runs() -> None:
    """retries counts from 0, so the fourth run is the last; then the task's own exception is the result."""
    assert fetch.delay(0).get(timeout=10) == "answered on run 1"
    assert fetch.delay(3).get(timeout=10) == "answered on run 4"
    receipt = fetch.delay(4)
    with pytest.raises(ConnectionError, match="no answer on run 4"):
        receipt.get(timeout=10)
    assert (receipt.state, receipt.retries) == ("FAILURE", 3)


def test_a_retry_keeps_its_id_and_waits_its_countdown() -> None:
    """Four runs under one id; each message of a retry says that its run may start in 0.4 seconds."""
    seen = Evidence()
    with recording(app) as seen.events:
        receipt = fetch.delay(3)
        receipt.get(timeout=10)
    assert {event["uuid"] for event in seen.events} == {receipt.id}
    assert etas_that_hold(seen) == 3
    assert 0.3 < max(seen.countdowns("fetch")) <= 0.4  # less when a message is sent late


def test_backing_off_doubles_the_wait_and_the_state_says_retry() -> None:
    """1 second, then 2; meanwhile the state is RETRY."""
    seen = Evidence()
    with recording(app) as seen.events:
        receipt = fetch_backing_off.delay(2)
        deadline = monotonic() + 10
        while receipt.state != "RETRY":
            assert monotonic() < deadline, f"the state is {receipt.state}, never RETRY"
            sleep(0.02)
        assert receipt.get(timeout=10) == "answered on run 3"
    first, second = seen.countdowns("fetch_backing_off")
    assert first <= 1 < second <= 2  # less when a message is sent late
    assert etas_that_hold(seen) == 2


def test_except_exception_swallows_the_retry(workers: dict[str, Path]) -> None:
    """The first run's SUCCESS stays, though a second run, already sent, gets the answer."""
    receipt = fetch_and_swallow.delay(1)
    assert receipt.get(timeout=10) == "swallowed Retry"
    deadline = monotonic() + 10
    while f"{receipt.id}] succeeded" not in workers["worker"].read_text().partition("'swallowed Retry'")[2]:
        assert monotonic() < deadline, "the swallowed retry never ran"
        sleep(0.02)
    assert workers["worker"].read_text().count("'answered on run 2'") == 1
    assert AsyncResult(receipt.id, app=app).get(timeout=10) == "swallowed Retry"


def test_autoretry_for_exception_retries_bad_data() -> None:
    """Three runs of something that can't succeed."""
    receipt = read_price.delay("12,50")
    assert isinstance(receipt.get(timeout=10, propagate=False), ValueError)
    assert receipt.retries == 2


@pytest.mark.once
def test_retry_and_soft_limits_are_ordinary_exceptions() -> None:
    """So `except Exception` and autoretry_for=(Exception,) take them."""
    assert issubclass(Retry, Exception)
    assert issubclass(SoftTimeLimitExceeded, Exception)


def declared(**options: Any) -> Task:
    """A task that always fails, on an app of its own."""

    @Celery("other", broker="memory://", set_as_current=False).task(autoretry_for=(ConnectionError,), **options)
    def fail() -> None:
        raise ConnectionError

    return fail


def first_countdown(monkeypatch: pytest.MonkeyPatch, **options: Any) -> float | None:
    """Which countdown autoretry_for hands to self.retry() after the first run; None where it hands none."""
    task, asked = declared(**options), []

    def retry(exc: Exception, countdown: float | None = None, **_: Any) -> Exception:
        asked.append(countdown)
        return exc

    monkeypatch.setattr(task, "retry", retry)
    with pytest.raises(ConnectionError):
        task()
    (countdown,) = asked
    return countdown


@pytest.mark.once
def test_the_defaults_are_what_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three retries, 180 seconds apart; a ceiling of 600 seconds for backing off; jitter from 0 to the whole wait."""
    assert (declared().max_retries, declared().default_retry_delay) == (3, 180)
    assert first_countdown(monkeypatch) is None
    assert first_countdown(monkeypatch, retry_backoff=True, retry_jitter=False) == 1
    assert first_countdown(monkeypatch, retry_backoff=1000, retry_jitter=False) == 600
    assert {first_countdown(monkeypatch, retry_backoff=2) for _ in range(100)} == {0, 1, 2}


@pytest.mark.once
def test_backing_off_goes_before_a_countdown_and_counts_in_whole_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The countdown of 99 is ignored, and a factor of 0.5 becomes 1."""
    given = {"countdown": 99}
    assert first_countdown(monkeypatch, retry_kwargs=given) == 99
    assert first_countdown(monkeypatch, retry_kwargs=given, retry_backoff=True, retry_jitter=False) == 1
    assert first_countdown(monkeypatch, retry_backoff=0.5, retry_jitter=False) == 1


@pytest.mark.once
def test_without_exc_the_last_failure_does_not_say_what_was_wrong() -> None:
    """It is MaxRetriesExceededError."""

    @Celery("other", broker="memory://", set_as_current=False).task(bind=True, max_retries=0)
    def fail(self: Task) -> None:
        raise self.retry()

    assert isinstance(fail.apply().result, MaxRetriesExceededError)


@pytest.mark.once
@pytest.mark.parametrize("options", [{}, {"retry_backoff": True, "retry_kwargs": {"countdown": 5}}])
def test_backing_off_means_nothing_to_a_retry_by_hand(options: dict[str, Any]) -> None:
    """Without autoretry_for, self.retry() waits its 180 seconds, whatever the other options say."""

    @Celery("other", broker="memory://", set_as_current=False).task(bind=True, retry_jitter=False, **options)
    def retry_by_hand(self: Task) -> None:
        raise self.retry(exc=ConnectionError())

    retry_by_hand.push_request(id="1", called_directly=False)
    with pytest.raises(Retry) as waiting:
        retry_by_hand.run()
    assert waiting.value.when == 180
