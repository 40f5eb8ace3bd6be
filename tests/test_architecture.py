"""The arrows: who may import whom."""

import ast
from pathlib import Path

import pytest

from classroom import catalog

pytestmark = pytest.mark.once

OURS = {"classroom", "global_config", "tests", *(lesson.name for lesson in catalog.lessons())}
LESSON_FILES = [file for lesson in catalog.lessons() for file in sorted(lesson.folder.rglob("*.py"))]
CLASSROOM = sorted((catalog.LESSONS / "classroom").glob("*.py"))


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
