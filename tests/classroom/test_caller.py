"""What a check can know about the caller: every way to wait for a result, and what is no wait."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, group
from celery.exceptions import TimeoutError

from classroom.caller import watching
from classroom.evidence import Evidence

pytestmark = pytest.mark.once

# The first joins a group natively, as Redis does; the second fetches one result after another.
STORES = ["cache+memory://", "db+sqlite:///{folder}/results.sqlite"]
WAITS: dict[str, Callable[[Any], object]] = {
    "get": lambda result: result.get(timeout=0.01),
    "wait": lambda result: result.wait(timeout=0.01),
    "collect": lambda result: list(result.collect(timeout=0.01)),
    "a state, again and again": lambda result: [result.ready() for _ in range(2)],
}
OF_A_GROUP: dict[str, Callable[[Any], object]] = {
    "get": lambda results: results.get(timeout=0.01),
    "join": lambda results: results.join(timeout=0.01),
}


@pytest.fixture(params=STORES, ids=["native", "one by one"])
def add(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A task that no worker runs."""
    app = Celery("caller", broker="memory://", backend=request.param.format(folder=tmp_path))

    @app.task(name="caller.add")
    def add(x: int, y: int) -> int:
        return x + y

    return add


def seen_by(add: Any, story: Callable[[], object]) -> Evidence:
    """What is noted while `story` runs; a result that doesn't come is no matter."""
    seen = Evidence()
    with watching(add.app, seen), suppress(TimeoutError):
        story()
    return seen


@pytest.mark.parametrize("way", WAITS)
def test_each_way_to_wait_for_a_result_is_noted(add: Any, way: str) -> None:
    """What is sent before it counts, and what is sent after it doesn't."""

    def story() -> None:
        result = add.delay(1, 1)
        with suppress(TimeoutError):
            WAITS[way](result)
        add.delay(2, 2)

    assert seen_by(add, story).sent_before_waiting() == 1


@pytest.mark.parametrize("way", OF_A_GROUP)
def test_each_way_to_wait_for_a_group_is_noted(add: Any, way: str) -> None:
    """Whether the result store fetches the results one by one or all at once."""

    def story() -> None:
        results = group(add.s(1, 1), add.s(2, 2))()
        with suppress(TimeoutError):
            OF_A_GROUP[way](results)
        add.delay(3, 3)

    assert seen_by(add, story).sent_before_waiting() == 2


def test_one_look_at_a_state_is_no_wait(add: Any) -> None:
    """Nor is a look at another result, or one after the next sending."""

    def story() -> None:
        first = add.delay(1, 1)
        assert not first.ready()
        second = add.delay(2, 2)
        assert (first.state, second.state) == ("PENDING", "PENDING")
        add.delay(3, 3)

    assert seen_by(add, story).sent_before_waiting() == 3


def test_a_task_that_is_only_called_ran_here(add: Any) -> None:
    """By its name; once the block has ended, nothing is noted any more."""
    seen = seen_by(add, lambda: add(1, 1))
    add(1, 1)
    add.delay(1, 1)
    assert (seen.here, seen.steps) == (["caller.add"], [])
