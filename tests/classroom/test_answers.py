"""Answers as replacements: each statement has a place in the solution, or is refused with a sentence."""

import ast
import keyword
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classroom import answers, catalog
from classroom.answers import Misfit, compose, is_whole

pytestmark = pytest.mark.once

IMPORTS = """\
from celery import Celery
from celery.result import AsyncResult  # one more
"""
UPDATE = """\
app.conf.update(
    task_default_queue="exercise99",
    timezone="UTC",
)
"""
PAIR = """\
# A pair of numbers.
LEFT, RIGHT = 1, 2
"""
ADD = """\
# Add two numbers.
@app.task(
    bind=True,
)
def add(self, x, y):
    return x + y
"""
SEND = """\
def send(x):  # it sends
    return add.delay(x, LEFT)
"""
SOLUTION = f'''"""Exercise 99 · A solution.

It is a good one. It is short.
"""

{IMPORTS}
app = Celery("exercise")
{UPDATE}

# These are given.

{PAIR}

{ADD}

{SEND}'''

Compose = Callable[..., str]


@pytest.fixture
def composed(tmp_path: Path) -> Compose:
    """Composes the text of an answer with SOLUTION, or with another text."""

    def by_files(answer: str, solution: str = SOLUTION) -> str:
        (tmp_path / "solution.py").write_text(solution)
        (tmp_path / "answer.py").write_text(answer)
        return compose(tmp_path / "solution.py", tmp_path / "answer.py")

    return by_files


@pytest.mark.parametrize("answer", ["", '"""check_x: A mistake."""\n', "# nothing\n"])
def test_nothing_composed_is_the_solution(composed: Compose, answer: str) -> None:
    """As with a mistake that is only in the Procfile."""
    assert composed(answer) == SOLUTION


def test_every_statement_of_a_solution_can_be_replaced(tmp_path: Path) -> None:
    """It has lines and names of its own."""
    nothing = tmp_path / "nothing.py"
    nothing.touch()
    for file in catalog.LESSONS.glob("**/solution.py"):
        assert compose(file, nothing) == file.read_text()
        names = [name for one in answers.Source(file).statements if not one.is_import for name in one.names]
        assert len(names) == len(set(names)), file


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(SEND, "def send(x):\n    return 1\n", id="a function"),
        pytest.param(ADD, "# Add.\n@app.task\ndef add(x, y): ...\n", id="with decorator and comment"),
        pytest.param(PAIR, "LEFT, RIGHT = 3, 4  # two\n", id="an assignment"),
        pytest.param(UPDATE, "app.conf.update()\n", id="a call"),
        pytest.param(SEND, "class send:\n    a = '''\n# no comment\n'''\n", id="a class for a function"),
        pytest.param(SEND, "from operator import call as send\n", id="an import for a function"),
    ],
)
def test_a_statement_replaces_the_one_of_its_name(composed: Compose, old: str, new: str) -> None:
    """In its place, and every other line stays."""
    assert composed(f'"""check_x: A mistake."""\n\n\n{new}') == SOLUTION.replace(old, new)


def test_imports_go_below_those_of_the_solution(composed: Compose) -> None:
    """All in one block, wherever they are in the answer."""
    more = "import os\nfrom celery import group\n"
    assert composed(f"import os\n\n\n{SEND}\nfrom celery import group\n") == SOLUTION.replace(IMPORTS, IMPORTS + more)


def test_what_is_new_goes_above_the_replacement_that_follows(composed: Compose) -> None:
    """With its own comments and blank lines; if none follows, at the end."""
    block = "# How much.\nMUCH = 7\n\n\ndef helper(x):\n    return x + MUCH\n\n\ndef send(x):\n    return helper(x)\n"
    end = "app.conf.timezone = MUCH\nfor _ in ():\n    pass\n"
    assert composed(f"{block}\n{end}") == SOLUTION.replace(SEND, block) + "\n\n" + end


def test_a_new_function_is_kept_apart_from_the_line_above(composed: Compose) -> None:
    """Although what it is for comes directly below that line."""
    new = "def zone():\n    return 1\n\n\napp.conf.update(timezone=zone())\n"
    assert composed(new) == SOLUTION.replace(UPDATE, f"\n\n{new}")


@pytest.mark.parametrize(
    ("answer", "line", "why"),
    [
        ("\n\ndef sned(x):\n    return x\n", 3, "binds sned, which solution.py doesn't have and nothing uses"),
        ("def send(x): ...\n\n\nHALF = 2\n", 4, "binds HALF, which solution.py doesn't have and nothing uses"),
        ("@app.task\ndef sned(x): ...\n", 2, "binds sned, which solution.py doesn't have and nothing uses"),
        ("def send(x): ...\ndef send(x): ...\n", 2, "replaces send a second time"),
        ("LEFT = 1\n", 1, "replaces a statement of solution.py that also binds RIGHT"),
        ("add = send = 1\n", 1, "replaces several statements of solution.py (lines 26 and 30)"),
        ("a = 1; LEFT, RIGHT = a, a\n", 1, "holds more than one statement"),
        ("from __future__ import annotations\n", 1, "must be at the top of a file"),
    ],
)
def test_a_statement_without_a_place_is_refused(composed: Compose, answer: str, line: int, why: str) -> None:
    """The message names the file, the line and the reason, and then says what to do."""
    with pytest.raises(Misfit) as refused:
        composed(answer)
    reason, advice = str(refused.value).split(". ")
    assert reason.endswith(f"answer.py, line {line}, {why}")
    assert len(advice.split()) > 2


def test_a_misspelled_name_is_answered_with_the_right_ones(composed: Compose) -> None:
    """So that the author needn't open the solution."""
    with pytest.raises(Misfit, match=r"replace one of these: LEFT, RIGHT, add, app.conf.update\(\), send\.$"):
        composed("def sned(x): ...\n")


@pytest.mark.parametrize(
    "answer",
    [
        "def helper(): ...\n\n\ndef send(x):\n    return helper()\n",
        "@app.on_after_configure.connect\ndef plan(sender): ...\n",
        "@app.task\ndef later(): ...\n\n\ndef send(x):\n    return app.send_task('exercise.later')\n",
        "app.conf.task_routes = {}\n",
        "print('at import')\n",
        "if app:\n    pass\n",
    ],
)
def test_what_is_new_and_used_is_welcome(composed: Compose, answer: str) -> None:
    """By another statement, in a text, or by a signal."""
    assert answer in composed(answer)


@pytest.mark.parametrize(
    "text",
    [
        "app = 1",
        "x, app = 1, 2",
        "app: object",
        "import app",
        "from lesson05.tasks import app",
        "if True:\n    app = 1",
        "def broken(:",
        "\0",
    ],
)
def test_a_file_that_binds_app_is_whole(tmp_path: Path, text: str) -> None:
    """As is one that Python can't parse: the judge says what is wrong with it, and in which line."""
    file = tmp_path / "answer.py"
    file.write_text(text)
    assert is_whole(file)


@pytest.mark.parametrize("text", ["", "app.conf.x = 1", "def send():\n    app = 1", "x = 'app = 1'"])
def test_a_file_that_only_uses_app_is_a_replacement(tmp_path: Path, text: str) -> None:
    """A function's own variable and a text aren't the file's app."""
    file = tmp_path / "answer.py"
    file.write_text(text)
    assert not is_whole(file)


def test_a_file_in_another_encoding_is_whole(tmp_path: Path) -> None:
    """Python can read it by its first line, and so can the judge."""
    file = tmp_path / "answer.py"
    file.write_bytes("# coding: latin-1\nprice = 'é'\n".encode("latin-1"))
    assert is_whole(file)


NAMES = st.text("abcdef", min_size=1, max_size=3).filter(lambda name: not keyword.iskeyword(name))
FORMS = st.sampled_from(
    [
        "{name} = {value}",
        "{name} = (\n    {value},\n)  # a tuple",
        "{name} = '''\n# {value}'''",
        "{name} = 'a form feed\x0cends no line', {value}",
        "# A function.\ndef {name}():\n    # inside\n\n    return {value}",
        "@staticmethod\n# between\ndef {name}():\n    return {value}",
        "class {name}:\n    text = '''\n# {value}\n'''",
    ]
)
GAPS = st.sampled_from(["\n", "\n\n\n", "\n# on its own\n\n"])


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, str]:
    """A solution, and an answer that replaces some of its statements, in any order, some with a helper of their own."""
    names = draw(st.lists(NAMES, unique=True, min_size=1, max_size=6))
    solution = '"""Title."""\n\nimport os\n\n' + "".join(
        draw(FORMS).format(name=name, value=number) + draw(GAPS) for number, name in enumerate(names)
    )
    answer = draw(st.sampled_from(["", '"""check_x: A mistake."""\n', "\n\n", "import sys\n"]))
    for name in draw(st.lists(st.sampled_from(names), unique=True)):
        value = draw(st.sampled_from(["99", f"new_{name}"]))
        if value != "99":
            answer += f"{value} = 98{draw(GAPS)}"
        answer += draw(FORMS).format(name=name, value=value) + draw(GAPS)
    return solution.rstrip() + "\n", answer


def statements(text: str) -> dict[str, str]:
    """Each top-level statement of a module, as Python reads it, by the name that it binds, in their order."""
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign):
            found[ast.unparse(node.targets[0])] = ast.dump(node)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = ast.dump(node)
    return found


@settings(
    deadline=None,
    max_examples=300,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes())
def test_each_replacement_replaces_and_everything_else_stays(composed: Compose, change: tuple[str, str]) -> None:
    """Whatever the statements look like; what the solution binds stays in its order."""
    solution, answer = change
    whole = composed(answer, solution)
    ours, both = statements(solution), statements(whole)
    assert both == ours | statements(answer)
    assert [name for name in both if name in ours] == list(ours)
    assert ast.get_docstring(ast.parse(whole)) == "Title."
    assert ("import sys" in whole) == ("import sys" in answer)
