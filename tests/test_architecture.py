"""The arrows: who may import whom."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from classroom import catalog

pytestmark = pytest.mark.once

OURS = {"classroom", "global_config", "tests", *(lesson.name for lesson in catalog.lessons())}
LESSON_FILES = [file for lesson in catalog.lessons() for file in sorted(lesson.folder.rglob("*.py"))]
CLASSROOM = sorted((catalog.LESSONS / "classroom").glob("*.py"))
PROJECT = tomllib.loads((catalog.COURSE / "pyproject.toml").read_text())["project"]
LAYERS = {"": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}  # see test_setup.py
UNINSTALLED = {"exercise", "fastembed"}  # a learner's answer; a library that lesson 15 offers to install


def imports(file: Path) -> set[str]:
    """Full names of all modules that a file imports, at its top or further in."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: import by full name, because each lesson is read alone"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def ours(file: Path) -> set[str]:
    """Of those, the top-level names that belong to the course."""
    return {name.partition(".")[0] for name in imports(file)} & OURS


def reached(files: Iterable[Path]) -> set[str]:
    """Top-level names of other people's modules that `files` import, themselves or through modules of the course."""
    todo, seen, names = list(files), set(), set()
    while todo:
        if (file := todo.pop()) not in seen:
            seen.add(file)
            names |= imports(file)
            todo += [found for name in imports(file) for found in files_of(name)]
    return {name.partition(".")[0] for name in names} - OURS - UNINSTALLED - sys.stdlib_module_names


def files_of(name: str) -> list[Path]:
    """The file of the course that a full name is from, if it is the course's."""
    parts = name.split(".")
    found = [Path(folder, *parts[:end]).with_suffix(".py") for folder in (catalog.COURSE, catalog.LESSONS)
             for end in range(len(parts), 0, -1)]  # fmt: skip
    return [file for file in found if file.exists()][:1]


def started_by(lesson: catalog.Lesson) -> list[Path]:
    """The files that the commands in a lesson's Procfile start."""
    named = re.findall(r"-[mA] ([\w.]+)", " ".join(lesson.processes.values()))
    return [file for name in named for file in files_of(name)]


def installed_with(layer: str) -> set[str]:
    """Names of the distributions that a layer installs, from metadata; "" is the base, "apps" an extra."""
    todo, found = [(PROJECT["name"], ""), (PROJECT["name"], layer)], set()
    while todo:
        if (one := todo.pop()) not in found:
            found.add(one)
            name, extra = one
            for needed in map(Requirement, LAYERS[extra] if name == PROJECT["name"] else requires(name) or []):
                if not needed.marker or needed.marker.evaluate({"extra": extra}):
                    todo += [(canonicalize_name(needed.name), inner) for inner in {"", *needed.extras}]
    return {name for name, _ in found}


def lacking(names: set[str], layer: str) -> set[str]:
    """Those top-level names that no distribution of the layer brings."""
    owners, installed = packages_distributions(), installed_with(layer)
    return {name for name in names if not installed & {canonicalize_name(owner) for owner in owners[name]}}


def show(path: Path) -> str:
    return str(path.relative_to(catalog.LESSONS))


@pytest.mark.parametrize("file", LESSON_FILES, ids=show)
def test_a_lesson_imports_no_other_lesson(file: Path) -> None:
    """A lesson's files know their own folder and global_config; drivers also classroom's run_driver."""
    lesson = file.relative_to(catalog.LESSONS).parts[0]
    assert ours(file) <= {lesson, "global_config", "classroom"}


@pytest.mark.parametrize("file", LESSON_FILES, ids=show)
def test_only_drivers_know_classroom_and_only_run_driver(file: Path) -> None:
    """What a learner copies works in a project that has no classroom."""
    used = {name for name in imports(file) if name.startswith("classroom")}
    allowed = {"call_tasks.py": {"classroom.driver.run_driver"}}.get(file.name, set())
    assert used <= allowed


@pytest.mark.parametrize("file", [f for f in LESSON_FILES if f.name == "check_exercise.py"], ids=show)
def test_checks_get_all_they_need_from_fixtures(file: Path) -> None:
    """A check knows the answer only as what its fixtures hand it."""
    assert not ours(file)


@pytest.mark.parametrize("file", [f for f in LESSON_FILES if f.parent.name in ("wrong", "right")], ids=show)
def test_answers_know_global_config_and_at_most_their_lesson(file: Path) -> None:
    """An answer is judged in an empty folder."""
    assert ours(file) <= {"global_config", file.relative_to(catalog.LESSONS).parts[0]}


@pytest.mark.parametrize("file", LESSON_FILES, ids=show)
def test_nothing_is_left_to_chance_or_the_keyboard(file: Path) -> None:
    """Failures are decided by attempt number or input; nobody is asked anything."""
    assert not imports(file) & {"random", "secrets"}
    names = {node.id for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Name)}
    assert "input" not in names


@pytest.mark.parametrize("file", CLASSROOM, ids=show)
def test_classroom_imports_no_lesson_by_name(file: Path) -> None:
    """Lessons are found as folders, so adding one changes nothing here."""
    assert ours(file) <= {"classroom", "global_config"}


def test_classroom_has_no_import_circle() -> None:
    """Each module can be read after those that it imports; an import inside a function counts too."""
    modules = {file.stem for file in CLASSROOM}
    graph = {
        file.stem: {part for name in imports(file) if name.startswith("classroom.") for part in name.split(".")[1:2]}
        & modules
        for file in CLASSROOM
    }
    assert len(list(TopologicalSorter(graph).static_order())) == len(modules)


@pytest.mark.parametrize("file", CLASSROOM, ids=show)
def test_a_module_of_classroom_has_one_job(file: Path) -> None:
    """Under 300 lines."""
    assert len(file.read_text().splitlines()) < 300


@pytest.mark.parametrize("lesson", catalog.lessons(), ids=lambda lesson: lesson.name)
def test_a_lesson_finds_its_libraries_in_its_layer(lesson: catalog.Lesson) -> None:
    """What its files and processes import is in the base, or in the extra that its Procfile names, and no earlier."""
    names = reached([*lesson.folder.rglob("*.py"), *started_by(lesson)])
    assert "celery" in names
    assert lacking(names, lesson.extra) == set()
    if lesson.extra:
        before = list(LAYERS)[list(LAYERS).index(lesson.extra) - 1]
        assert lacking(names, before)


@pytest.mark.parametrize(
    "lesson", [lesson for lesson in catalog.lessons() if lesson.has_exercise], ids=lambda lesson: lesson.name
)
def test_the_base_is_enough_to_judge_an_exercise(lesson: catalog.Lesson) -> None:
    """And to import all files of its lesson: only what a Procfile starts may need more."""
    assert lacking(reached(lesson.folder.rglob("*.py")), "") == set()


def test_the_base_is_enough_for_the_command_lesson() -> None:
    """Whatever part of classroom it reaches, but for what a Procfile starts."""
    started = {file for lesson in catalog.lessons() if lesson.extra for file in started_by(lesson)}
    assert catalog.LESSONS / "classroom/postgres.py" in started
    assert lacking(reached(file for file in CLASSROOM if file not in started), "") == set()


def test_every_library_is_pinned() -> None:
    """A set-up next year installs what was tested today."""
    pinned = {canonicalize_name(line.split("==")[0]) for line in (catalog.COURSE / "constraints.txt").open()}
    assert installed_with(list(LAYERS)[-1]) - {PROJECT["name"]} == pinned


def test_the_file_broker_imports_kombu_alone() -> None:
    """It can be copied, and dropped once kombu needs no help."""
    outside = {name.partition(".")[0] for name in imports(catalog.LESSONS / "classroom/file_broker.py")}
    standard = {"os", "collections", "contextlib", "fcntl", "pathlib", "queue", "time", "uuid"}
    assert outside - standard == {"kombu"}


def test_nothing_imports_the_tests() -> None:
    """The course runs without its tests."""
    for file in (*LESSON_FILES, *CLASSROOM, catalog.COURSE / "global_config.py"):
        assert "tests" not in ours(file)


def test_nobody_writes_lessons_dot_lesson() -> None:
    """With the folder in front it would be another name for the same tasks, and a worker wouldn't know it."""
    wrong = "lessons." + "lesson"
    others = [*catalog.COURSE.glob("tests/**/*.py"), *catalog.COURSE.glob("lessons/*/README.md")]
    for file in (*LESSON_FILES, *CLASSROOM, *others, catalog.COURSE / "README.md"):
        assert wrong not in file.read_text(), file
