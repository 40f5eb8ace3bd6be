"""Lessons 13 to 15 are copied one at a time, so each is complete; what they have in common says the same in each."""

import ast
import re
from itertools import combinations
from pathlib import Path

import pytest

from classroom import catalog

pytestmark = pytest.mark.once

APPLICATIONS = [lesson.folder for lesson in catalog.lessons() if "api" in lesson.processes]
VOCABULARY = {  # a module that two of them have, and what it is about
    "api": "the routes",
    "celery_app": "a Celery app without tasks",
    "client": "a caller's side: an address, and perhaps a token",
    "database": "the engine, and bounds on waiting for it",
    "errors": "one shape for all errors",
    "events": "what happened, as server-sent events",
    "gate": "who may come in",
    "migrate": "the tables",
    "model": "what the tables hold",
    "names": "the names of tasks and queues",
    "schemas": "what comes in and goes out",
    "service": "what can be done",
    "settings": "what the environment may change",
    "slow_clients": "uvicorn with bounds",
    "store": "questions to the database",
    "tasks": "the tasks",
}
DIFFERENT = {  # functions of one name that are meant to differ, and why
    "api": "each has routes of its own",
    "call_tasks": "each driver tells a story of its own",
    "database.engine": "another database, and other needs",
    "database.answer_soon": "its docstring speaks of streams in one, and of uploads in the other",
    "errors": "each has errors of its own",
    "events": "one stream a job; one stream for all documents",
    "gate.Gate": "15 takes large files, and a browser's login; 13 has no database",
    "migrate": "tables of their own",
    "names.TaskNames": "tasks of their own",
    "model": "tables of their own",
    "schemas": "bodies of their own",
    "service": "uses of their own",
    "settings": "settings of their own",
    "slow_clients.BoundedProtocol": "15 gives turns to large files",
    "store": "questions of their own",
}


def modules(folder: Path) -> set[str]:
    """The names of its modules."""
    return {file.stem for file in folder.glob("*.py")} - {"__init__", "call_tasks"}


def definitions(file: Path) -> dict[str, str]:
    """Each function and class at the top of a file, as text, without what names its lesson."""
    found = {}
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = re.sub(r"lesson\d\d", "lesson", ast.unparse(node))
    return found


def shared() -> list[tuple[str, str, Path, Path]]:
    """Module, name and the two files, for all that two applications define under one name and mean to be equal."""
    found = []
    for one, other in combinations(APPLICATIONS, 2):
        for module in sorted(modules(one) & modules(other)):
            files = one / f"{module}.py", other / f"{module}.py"
            for name in definitions(files[0]).keys() & definitions(files[1]).keys():
                if module not in DIFFERENT and f"{module}.{name}" not in DIFFERENT:
                    found.append((module, name, *files))
    return sorted(found)


def test_they_name_the_same_things_alike() -> None:
    """A module that two of them have is one of these words."""
    for one, other in combinations(APPLICATIONS, 2):
        assert modules(one) & modules(other) <= set(VOCABULARY)
    for folder in APPLICATIONS:
        assert {"api", "celery_app", "client", "errors", "gate", "names", "service", "slow_clients"} <= modules(folder)
        assert "class TaskNames(StrEnum)" in (folder / "names.py").read_text()


@pytest.mark.parametrize(
    ("module", "name", "one", "other"),
    [pytest.param(*each, id=f"{each[0]}.{each[1]}-{each[2].parent.name}-{each[3].parent.name}") for each in shared()],
)
def test_what_is_meant_to_be_equal_is_equal(module: str, name: str, one: Path, other: Path) -> None:
    """A mistake that is fixed in one of them is fixed in all."""
    assert definitions(one)[name] == definitions(other)[name]


def test_no_exception_is_left_over() -> None:
    """Each difference that is named above exists."""
    for exception in DIFFERENT:
        module, _, name = exception.partition(".")
        files = [folder / f"{module}.py" for folder in APPLICATIONS if (folder / f"{module}.py").exists()]
        assert len(files) > 1, exception
        if name:
            texts = [found[name] for found in map(definitions, files) if name in found]
            assert len(set(texts)) > 1, exception
