"""The timeline is a picture: each test draws one at a fixed width and compares it whole."""

import io
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from classroom.timeline import Timeline, svg

pytestmark = pytest.mark.once


def sent(uuid: str, at: float, call: str, queue: str = "lesson02", eta: str | None = None) -> dict[str, Any]:
    """A task-sent event of the call written like lesson02.tasks.add(2, 3)."""
    name, arguments = call.rstrip(")").split("(", 1)
    return {"type": "task-sent", "uuid": uuid, "timestamp": at, "name": name, "args": f"({arguments},)",
            "kwargs": "{}", "queue": queue, "eta": eta, "pid": 1}  # fmt: skip


def then(uuid: str, **times: float) -> list[dict[str, Any]]:
    """Further events of one task: then("a", started=1, succeeded=2)."""
    return [
        {"type": f"task-{what}", "uuid": uuid, "timestamp": at, "hostname": "worker-a@here"}
        for what, at in times.items()
    ]


def picture(*events: dict[str, Any], width: int = 80, encoding: str = "utf-8") -> str:
    """What a terminal of `width` columns without colour shows."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=stream, width=width, no_color=True).print(Timeline(sorted(events, key=lambda e: e["timestamp"])))
    stream.flush()
    text = stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines())


ONE = [sent("a", 100.0, "lesson02.tasks.add(2, 3)"), *then("a", started=101.0, succeeded=104.0)]


RETRIED = [
    sent("a", 0.0, "lesson02.tasks.add(1, 2)"),
    *then("a", received=0.1, started=0.2, retried=0.4),
    sent("a", 0.4, "lesson02.tasks.add(1, 2)", eta="later"),
    *then("a", received=0.5, started=1.4, retried=1.6),
    sent("a", 1.6, "lesson02.tasks.add(1, 2)", eta="later"),
    *then("a", started=2.0, failed=2.1),
]
POLL = [
    sent("b", 0.3, "celery.chord_unlock('an id', {})", eta="later"),
    *then("b", started=1.3, retried=1.31),
    sent("b", 1.31, "celery.chord_unlock('an id', {})", eta="later"),
    *then("b", started=2.0, succeeded=2.1),
]
UNREAD = [sent("c", 0.5, "email.send(42)", queue="nobody")]


def test_waiting_and_running_are_different_bars() -> None:
    """A task that waited 1 of 4 seconds in the queue and ran for 3."""
    assert picture(*ONE) == (
        "timeline  ░░ in the queue  ██ runs\n"
        "task       0 s      1         2        3        4  state      queue     worker\n"
        "add(2, 3)  ░░░░░░░░░█████████████████████████████  succeeded  lesson02  worker-a"
    )


def test_retries_polls_and_unread_queues() -> None:
    """The waits before a retry, chord_unlock polling, a task that nobody fetches."""
    assert picture(*RETRIED, *POLL, *UNREAD) == (
        "timeline  ░░ in the queue  ┄┄ waits for its time  ██ runs  ▓▓ fails or retries\n"
        "task                0 s       1         2   state             queue     worker\n"
        "add(1, 2)           ░░▓▓┄┄┄┄┄┄┄┄┄┄▓▓┄┄┄┄▓▓  failed, run 3     lesson02  worker-a\n"
        "celery.chord_unlo…     ┄┄┄┄┄┄┄┄┄┄▓┄┄┄┄┄┄██  succeeded, run 2  lesson02  worker-a\n"
        "email.send(42)           ░░░░░░░░░░░░░░░░░  queued            nobody"
    )


def test_without_utf_8_the_bars_are_ascii() -> None:
    """A terminal that can't show blocks gets letters."""
    assert picture(*RETRIED, encoding="ascii") == (
        "timeline  .. in the queue  -- waits for its time  xx fails or retries\n"
        "task       0 s     0.5     1       1.5     2   state          queue     worker\n"
        "add(1, 2)  ...xxx----------------xxx-------xx  failed, run 3  lesson02  worker-a"
    )


def test_nothing_sent() -> None:
    """A run without tasks says so."""
    assert picture() == "timeline: no task was sent"


def test_it_never_exceeds_the_terminal() -> None:
    """No line is wider than the terminal, from 60 columns on, however long the names."""
    long = [sent("d", 0.0, "lesson02.tasks.a_name_that_goes_on_and_on('and arguments that do so too')"), *UNREAD]
    for width in (60, 80, 100, 200):
        assert max(map(len, picture(*RETRIED, *POLL, *long, width=width).splitlines())) <= width


def test_many_tasks_are_cut_short() -> None:
    """Of a hundred tasks forty are drawn, and the rest counted."""
    events = [event for n in range(100) for event in (sent(str(n), n, f"lesson02.tasks.add({n})"),)]
    lines = picture(*events).splitlines()
    assert len(lines) == 2 + 40 + 1
    assert lines[-1] == "and 60 more"


def test_a_short_run_is_never_covered_by_a_wait() -> None:
    """A millisecond of running among minutes of waiting still shows."""
    text = picture(sent("a", 0, "lesson02.tasks.add(1, 2)"), *then("a", started=99.999, succeeded=100.0))
    assert "█" in text.splitlines()[2]


def test_the_svg_is_the_same_picture() -> None:
    """The SVG holds the words of every row, is well-formed and fetches nothing."""
    document = svg(Timeline(ONE))
    words = "".join(ElementTree.fromstring(document).itertext())
    for word in ("timeline", "add(2,\N{NO-BREAK SPACE}3)", "succeeded", "lesson02", "worker-a"):
        assert word in words
    assert not re.search(r"url\((?!#)|href|@import", document)


def test_the_svg_is_as_high_as_its_rows() -> None:
    """Nothing is cut off below: the last line of text lies inside the view box."""
    document = svg(Timeline([*RETRIED, *POLL, *UNREAD]))
    height = float(re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', document)[1])  # type: ignore[index]
    lowest = max(float(y) for y in re.findall(r'<text [^>]* y="([\d.]+)"', document))
    assert lowest < height - 4
