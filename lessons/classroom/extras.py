"""What a lesson needs beyond the base: an extra of pyproject.toml, which its Procfile names: # extra: apps"""

import os
import tomllib
from collections.abc import Iterator
from importlib.metadata import distributions

from packaging.requirements import Requirement

from classroom.catalog import COURSE, Lesson
from classroom.refusal import Refusal


def refuse_missing(lesson: Lesson) -> None:
    """Raise a Refusal if libraries that the lesson needs aren't installed; it ends with the command to type."""
    if missing(lesson):
        raise Refusal(
            f"Lesson {lesson.number} needs libraries that aren't installed yet. Install them and run it:  "
            f"{command(lesson)}"
        )


def missing(lesson: Lesson) -> list[str]:
    """Names of the distributions that the lesson's extra lists and that aren't installed."""
    return [name for name in required(lesson.extra) if not any(distributions(name=name))] if lesson.extra else []


def required(extra: str) -> Iterator[str]:
    """Names of the distributions that an extra lists, with those of the extras inside of it."""
    project = tomllib.loads((COURSE / "pyproject.toml").read_text())["project"]
    for requirement in map(Requirement, project["optional-dependencies"][extra]):
        if requirement.name == project["name"]:
            for inner in requirement.extras:
                yield from required(inner)
        else:
            yield requirement.name


def command(lesson: Lesson) -> str:
    """What installs the lesson's extra and runs the lesson; `uv run` has put its own path into UV."""
    if os.environ.get("UV"):
        return f"uv run --extra {lesson.extra} lesson run {lesson.number}"
    return f"make run LESSON={lesson.number}"
