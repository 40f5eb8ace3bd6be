"""The promises that every lesson keeps, whichever it is: nothing here names one."""

import ast
import contextlib
import importlib
import re
import subprocess
from pathlib import Path
from time import monotonic, sleep
from types import ModuleType

import psutil
import pytest
from celery import Celery

from classroom import catalog, readme
from classroom.catalog import Lesson
from classroom.processes import READY, end, guarded, kind

LESSONS = catalog.lessons()
once = pytest.mark.once
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)

FILES = {"__init__.py", "README.md", "Procfile", "tasks.py", "call_tasks.py", "timeline.svg"}
EXERCISE = {"exercise.py", "check_exercise.py", "solution.py", "answers"}  # see test_exercises.py
SECTIONS = ["Run it", "What you will see", "Why it is like that", "Try this", "Exercise", "Not here yet"]


def modules(lesson: Lesson) -> list[ModuleType]:
    """All modules of a lesson, imported; those called exercise_… belong to its exercise."""
    others = ("exercise", "check_exercise", "solution")
    files = sorted(file for file in lesson.folder.glob("*.py") if not file.name.startswith(others))
    return [importlib.import_module(f"{lesson.name}.{file.stem}") for file in files]


def apps(lesson: Lesson) -> list[Celery]:
    """All Celery apps of a lesson; nearly always one."""
    found = {id(value): value for module in modules(lesson) for value in vars(module).values()}
    return [value for value in found.values() if isinstance(value, Celery)]


@once
@each_lesson
def test_it_has_the_usual_files_and_names_the_others(lesson: Lesson) -> None:
    """Every folder has the same face; whatever else lies there is named in its README."""
    there = {file.name for file in lesson.folder.iterdir() if file.name != "__pycache__"}
    assert there >= FILES
    usual = FILES | EXERCISE | {"Procfile.exercise"} if there & EXERCISE else FILES
    readme = (lesson.folder / "README.md").read_text()
    assert not [name for name in there - usual if name not in readme]


@once
def test_numbers_have_no_gaps_and_titles_are_unique() -> None:
    """00, 01, 02 …, each with a name of its own."""
    numbers = [int(lesson.number) for lesson in LESSONS if lesson.number != "99"]
    assert numbers == list(range(len(numbers)))
    assert len({lesson.title for lesson in LESSONS}) == len(LESSONS)


@once
@each_lesson
def test_its_docstrings_say_what_it_is(lesson: Lesson) -> None:
    """The package's docstring is a title and a promise; tasks and driver open with number and title."""
    assert lesson.promise.startswith("You will be able to ")
    heading = f"Lesson {lesson.number} · {lesson.title}"
    driver = f"python -m {lesson.name}.call_tasks"
    for name, command in ("tasks.py", next(iter(lesson.processes.values()))), ("call_tasks.py", driver):
        docstring = ast.get_docstring(ast.parse((lesson.folder / name).read_text())) or ""
        assert docstring.startswith(f"{heading}: ")
        assert command in docstring
    assert (lesson.folder / "README.md").read_text().startswith(f"# {heading}\n")


@once
@each_lesson
def test_its_readme_has_the_sections_in_order(lesson: Lesson) -> None:
    """What you will see · why · try this · exercise, where there is one · not here yet."""
    wanted = [one for one in SECTIONS if one != "Exercise" or (lesson.folder / "exercise.py").exists()]
    assert re.findall(r"^## (.*)$", (lesson.folder / "README.md").read_text(), re.MULTILINE) == wanted


@once
@each_lesson
def test_its_readme_shows_each_process_word_for_word(lesson: Lesson) -> None:
    """Each line of the Procfile is what a learner types."""
    blocks = [s for s in readme.steps((lesson.folder / "README.md").read_text()) if isinstance(s, readme.Block)]
    typed = [command for block in blocks if block.language == "sh" for command, _ in block.commands]
    for command in lesson.processes.values():
        assert command in typed


@pytest.mark.once
@each_lesson
def test_its_queues_and_its_control_exchange_are_its_own(lesson: Lesson) -> None:
    """No other lesson's mail, no other lesson's commands."""
    for app in apps(lesson):
        assert app.conf.control_exchange.startswith(lesson.name)
        assert app.conf.task_default_queue.startswith(lesson.name)
        assert all(queue.startswith(lesson.name) for queue in (app.conf.task_queues and app.amqp.queues) or [])
    assert importlib.import_module(f"{lesson.name}.tasks").app.main == lesson.name


@once
@each_lesson
def test_its_workers_can_live_side_by_side(lesson: Lesson) -> None:
    """On RabbitMQ two workers of one node name can't: each of several has a --hostname of its own."""
    workers = [command for name, command in lesson.processes.items() if kind(name) == "worker"]
    if len(workers) > 1:
        assert len({re.search(r"--hostname=(\S+)", command)[1] for command in workers}) == len(workers)  # type: ignore[index]


@once
@each_lesson
def test_its_driver_waits_for_facts_and_never_for_ever(lesson: Lesson) -> None:
    """No sleep in a driver, and every get() has a timeout."""
    for node in ast.walk(ast.parse((lesson.folder / "call_tasks.py").read_text())):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            assert called != "sleep"
            if called == "get" and not node.args:
                assert any(keyword.arg == "timeout" for keyword in node.keywords), ast.unparse(node)


@once
@each_lesson
def test_its_files_are_short(lesson: Lesson) -> None:
    """A beginner can read each file aloud."""
    for name in ("tasks.py", "call_tasks.py"):
        lines = [line for line in (lesson.folder / name).read_text().splitlines() if line.strip()]
        assert len(lines) <= 75, f"{name}: {len(lines)} lines"


@each_lesson
def test_its_readme_shows_the_drivers_story(lesson: Lesson, profile: str) -> None:
    """What test_documents.py compares with a run; and nothing in it changes from run to run: no ids, no clock."""
    blocks = [s for s in readme.steps((lesson.folder / "README.md").read_text()) if isinstance(s, readme.Block)]
    typed = [one for b in blocks if b.language == "console" and b.profile in ("", profile) for one in b.commands]
    story = dict(reversed(typed))[f"python -m {lesson.name}.call_tasks"]
    uuid = r"[0-9a-f]{8}-[0-9a-f]{4}"
    clock = r"\b\d{1,2}:\d\d:\d\d\b|\b20\d\d-\d\d-\d\dT"
    address = r"\bat 0x[0-9a-f]+"
    assert story
    assert not re.search(f"{uuid}|{clock}|{address}|Traceback", story)


@once
@each_lesson
def test_its_readme_says_how_long_it_takes_and_what_comes_next(lesson: Lesson) -> None:
    """The line below its title has the minutes of `lesson list`, what it needs, and a link to the next lesson."""
    every = catalog.lessons()
    line = (lesson.folder / "README.md").read_text().split("\n\n")[1]
    assert line.startswith(f"*About {catalog.minutes(lesson)} minutes · needs "), f"lesson docs {lesson.number}"
    assert all(int(number) < int(lesson.number) for number in re.findall(r"lesson(\d\d)", line.partition(" · next")[0]))
    if lesson != every[-1]:
        following = every[every.index(lesson) + 1]
        assert f"next: [{following.number} {following.title}](../{following.name}/README.md)*" in line


@once
@each_lesson
def test_another_tool_can_read_its_procfile(lesson: Lesson) -> None:
    """A reader who knows Procfiles can use honcho, or any other."""
    subprocess.run(["honcho", "check", "-f", lesson.folder / "Procfile"], check=True)


@once
def test_a_procfile_with_all_kinds_of_processes_also_starts_under_honcho(tmp_path: Path) -> None:
    """All are ready, as under `lesson run`."""
    lesson = max(LESSONS, key=lambda lesson: len({kind(name) for name in lesson.processes}))
    log = tmp_path / "honcho.log"
    with log.open("w") as output:
        honcho = guarded(f"honcho start -f {lesson.folder / 'Procfile'}", output=output)
    try:
        deadline = monotonic() + 20
        while not all(ready(name, log.read_text()) for name in lesson.processes):
            assert monotonic() < deadline, log.read_text()
            sleep(0.05)
    finally:
        for process in psutil.Process(honcho.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()  # honcho gives each of its processes a group of its own, which our guard doesn't know
        end(honcho)


def ready(name: str, log: str) -> bool:
    """Whether honcho's log has the line that says so, after the process's name."""
    own = (line for line in log.splitlines() if f" {name}.1 " in line)
    return any(re.search(READY[kind(name)], line) for line in own)
