"""What the course itself costs, as ratios measured side by side in one run: make bench.

python tests/bench.py [ROUNDS]      prints a table, and the same as JSON on the last line
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Table

from classroom import catalog
from classroom.catalog import Lesson
from classroom.exercises import judge
from classroom.processes import running
from classroom.use import servers_down

BROKERS = {"embedded": "files", "services": "RabbitMQ"}
RUN_LIMIT = {"embedded": 1.1, "services": 1.1}


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


def quietly(*command: str) -> None:
    """Run a command, and raise if it fails."""
    subprocess.run(command, check=True, capture_output=True)


def environment(profile: str) -> None:
    """Select a profile, and a LESSONS_HOME of our own, for what we start."""
    os.environ |= {"LESSONS_PROFILE": profile, "LESSONS_HOME": tempfile.mkdtemp(prefix="bench-")}


def run_against_floor(lesson: Lesson, profile: str, rounds: int) -> dict:
    """`lesson run` over bare workers until they are ready plus the driver alone against them; in turns."""
    runs, floors = [], []
    for _ in range(rounds):
        environment(profile)
        runs.append(seconds(lambda: quietly("lesson", "run", lesson.number)))
        environment(profile)
        start = perf_counter()
        with running(lesson.processes, Path(os.environ["LESSONS_HOME"], "logs")):
            quietly(sys.executable, "-m", f"{lesson.name}.call_tasks")
            floors.append(perf_counter() - start)
    return row(f"lesson run {lesson.number} / floor, {BROKERS[profile]}", median(runs) / median(floors), "×",
               RUN_LIMIT[profile], f"{median(runs):.2f} s / {median(floors):.2f} s")  # fmt: skip


def row(what: str, value: float, unit: str, limit: float, how: str, least: bool = False) -> dict:
    """One line of the table; `limit` is the most that is good, or the `least`."""
    ok = value >= limit if least else value <= limit
    return {"what": what, "value": round(value, 3), "unit": unit, "limit": limit, "least": least, "ok": ok, "how": how}


def show(found: list[dict]) -> None:
    """Print the table, and the same as JSON on the last line."""
    table = Table("what", "median", "limit", "", "how")
    for one in found:
        verdict = "[green]✓" if one["ok"] else "[red]✗"
        limit = f"{'≥' if one['least'] else '≤'} {one['limit']} {one['unit']}"
        table.add_row(one["what"], f"{one['value']:.2f} {one['unit']}", limit, verdict, one["how"])
    Console().print(table)
    print(json.dumps(found))


def first_check(lesson: Lesson, own: float, rounds: int) -> dict:
    """`lesson check` as the first one in a terminal, beyond the `own` seconds of its checks."""
    answer = str(lesson.folder / "solution.py")
    took = [seconds(lambda: quietly("lesson", "check", lesson.number, "--answer", answer)) for _ in range(rounds)]
    return row(f"the first lesson check {lesson.number}, beyond its checks", median(took) - own, "s", 1.7, "")


def next_checks(lesson: Lesson, profile: str, rounds: int) -> tuple[dict, float]:
    """A check after the first one, as `lesson watch` makes it, beyond its checks; and what those themselves take."""
    environment(profile)
    answer = lesson.folder / "solution.py"
    judge(lesson, answer)  # starts the fork server
    beyond, own = [], []
    for _ in range(rounds):
        start = perf_counter()
        verdict = judge(lesson, answer)
        beyond.append(perf_counter() - start - verdict.seconds)
        own.append(verdict.seconds)
    processes = len(lesson.exercise_procfile.splitlines())
    what = f"lesson check {lesson.number} again, beyond its checks, {profile}"
    return row(what, median(beyond), "s", 0.8 if processes == 1 else 1.1, f"{processes} processes"), median(own)


def hundred_adds(profile: str, rounds: int) -> list[dict]:
    """100 adds one after another with and without the recorder, in a process of their own."""
    environment(profile)
    lesson = catalog.find("00")
    with running(lesson.processes, Path(os.environ["LESSONS_HOME"], "logs")):
        told = subprocess.run(
            [sys.executable, __file__, "adds", str(rounds)], check=True, capture_output=True, text=True
        )
    seen = json.loads(told.stdout)
    bare, recorded, setup = (median(seen[name]) for name in ("bare", "recorded", "setup"))
    found = [
        row(f"recorder / bare, 100 adds, {BROKERS[profile]}", recorded / bare, "×", 1.05, f"{recorded:.2f}/{bare:.2f}"),
        row(f"recorder ready, {BROKERS[profile]}", setup, "s", 0.15, "before main()"),
    ]  # fmt: skip
    if profile == "embedded":
        found.append(row("100 adds one after another, files", bare, "s", 3.0, "get(interval=0.01)"))
    return found


def measure_adds(rounds: int) -> None:
    """The other side of `hundred_adds`: prints its seconds as JSON."""
    from classroom.recorder import recording
    from lesson00.tasks import add, app

    def adds() -> None:
        for n in range(100):
            assert add.delay(n, 1).get(timeout=10, interval=0.01) == n + 1

    adds()
    seen: dict[str, list[float]] = {"bare": [], "recorded": [], "setup": []}
    for _ in range(rounds):
        seen["bare"].append(seconds(adds))
        start = perf_counter()
        with recording(app):
            seen["setup"].append(perf_counter() - start)
            seen["recorded"].append(seconds(adds))
    print(json.dumps(seen))


def main() -> None:
    """Measure everything that can be measured here."""
    if sys.argv[1:2] == ["adds"]:
        return measure_adds(int(sys.argv[2]))
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    down = servers_down()
    found = [
        row("lesson list", median(seconds(lambda: quietly("lesson", "list")) for _ in range(rounds)), "s", 0.3, "")
    ]
    for profile in ("embedded",) if down else ("embedded", "services"):
        found += hundred_adds(profile, rounds)
        for lesson in catalog.lessons():
            found.append(run_against_floor(lesson, profile, rounds))
            print(found[-1]["what"], found[-1]["value"], file=sys.stderr)
            if lesson.has_exercise:
                again, own = next_checks(lesson, profile, rounds)
                found.append(again)
                print(found[-1]["what"], found[-1]["value"], file=sys.stderr)
                if profile == "embedded" and lesson.number in ("00", "05"):
                    found.append(first_check(lesson, own, rounds))
    if down:
        print("Left out the services profile.", down)
    show(found)
    sys.exit(not all(one["ok"] for one in found))


if __name__ == "__main__":
    main()
