"""READMEs are true: their commands are run, their outputs, tables, links and pictures compared."""

import importlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from classroom import catalog, cli, queues
from classroom.catalog import Lesson
from classroom.readme import Block, CourseCopy, Edit, at_its_port, picture_rows, play, shape, steps

Alone = Callable[[str], AbstractContextManager[None]]
READMES = [catalog.COURSE / "README.md", *(lesson.folder / "README.md" for lesson in catalog.lessons())]
NOT_RUN = {  # the only commands of README.md that no test runs, and why
    "make test": "it would run itself",
    "uv run lesson run 00": "needs uv, and a network for what uv fetches",
    "docker compose down": "needs a Docker engine; test_compose.py looks at the file",
    "docker compose down --volumes": "needs a Docker engine; test_compose.py looks at the file",
}
each_lesson = pytest.mark.parametrize("lesson", catalog.lessons(), ids=lambda lesson: lesson.name)
each_readme = pytest.mark.parametrize("readme", READMES, ids=lambda readme: str(readme.relative_to(catalog.COURSE)))


@pytest.fixture
def folder() -> Iterator[Path]:
    """Outside of pytest's own, which any pytest that begins closes to the user of PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@each_lesson
def test_a_lessons_readme_can_be_played_through(lesson: Lesson, profile: str, folder: Path, alone: Alone) -> None:
    """Every command in it works as typed, every transcript is what comes out, and the picture shows such a run.

    No task stands there unused: each is seen in a worker's log. What one may try is tried on files alone, unless its
    transcript is for services.
    """
    picture = folder / "now.svg"
    room = CourseCopy.copy(folder / "course", profile)
    if profile == "services":
        readme = room.folder / f"lessons/{lesson.name}/README.md"
        before, _, tried = readme.read_text().partition("\n## Try this\n")
        if "```console services" not in tried:
            readme.write_text(before)
    with alone(lesson.name):
        for block, outputs in play(f"lessons/{lesson.name}/README.md", room, profile, picture):
            for (command, told), output in zip(block.commands, outputs, strict=True):
                assert shape(output) == shape(told), command
    logs = "".join(log.read_text(errors="replace") for log in room.folder.rglob("*.log"))
    assert tasks(lesson) <= set(re.findall(r"Task ([\w.]+)\[", logs))
    if profile == "embedded":
        now, shown = picture_rows(picture.read_text()), picture_rows((lesson.folder / "timeline.svg").read_text())
        if "beat" in lesson.processes:  # it goes on sending while the driver's story ends
            now, shown = sorted(set(now)), sorted(set(shown))
        assert now == shown


def tasks(lesson: Lesson) -> set[str]:
    """The names of all tasks that the lesson's workers know of."""
    found = set()
    for app in (importlib.import_module(f"{lesson.name}.tasks").app, *queues.apps(lesson.processes.values())):
        app.loader.import_default_modules()
        found |= {name for name, task in app.tasks.items() if task.run.__module__.startswith(f"{lesson.name}.")}
    assert found
    return found


def test_the_root_readme_can_be_played_through(profile: str, tmp_path: Path, alone: Alone) -> None:
    """Its commands work as typed too, in an environment that `make` has set up already."""
    room = CourseCopy.copy(tmp_path / "course")  # no profile: the page itself selects one
    with alone("lesson00"):
        for block, outputs in play("README.md", room, profile, skip=NOT_RUN):
            for (command, told), output in zip(block.commands, outputs, strict=True):
                assert shape(output) == shape(told), command


@pytest.mark.once
@each_readme
def test_commands_in_its_sentences_exist(readme: Path) -> None:
    """Every `lesson …` and `make …` in running text is a command of ours."""
    for words in (code.split() for code in re.findall(r"`((?:lesson|make) [^`]+)`", readme.read_text())):
        if words[0] == "lesson" and not words[1].startswith("-"):
            assert words[1].strip(":") in cli.main.commands, words
        if words[0] == "make":
            assert f"\n{words[1]}:" in (catalog.COURSE / "Makefile").read_text(), words


@pytest.mark.once
@each_readme
def test_its_links_lead_somewhere(readme: Path) -> None:
    """Every relative link is a file, every anchor a heading."""
    text = readme.read_text()
    headings = {re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in text.splitlines()
                if line.startswith("#")}  # fmt: skip
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings, target
        elif "://" not in target:
            assert (readme.parent / target.partition("#")[0]).exists(), target


@pytest.mark.once
@each_readme
def test_its_pictures_have_words(readme: Path) -> None:
    """Whoever can't see a picture can read what it shows."""
    assert all(alt.strip() for alt in re.findall(r"!\[([^\]]*)\]", readme.read_text()))


@pytest.mark.once
def test_the_generated_parts_are_up_to_date() -> None:
    """The table, the walkthrough and the help texts are what `lesson docs` would write."""
    check = subprocess.run(
        [sys.executable, "-m", "cogapp", "--check", "--diff", "README.md"],
        cwd=catalog.COURSE, capture_output=True, text=True,
    )  # fmt: skip
    assert check.returncode == 0, check.stdout


@pytest.mark.once
def test_a_readme_is_read_as_a_reader_does() -> None:
    """Commands with their outputs, an edit in its place, a twin for services, and nothing of other blocks."""
    text = """
```sh
# a comment
celery -A x worker
```
In `call_tasks.py`, change `a` to
`b`, and:
```console
$ one
1
$ two
```
```console services
$ one
2
$ two
```
```python
print()
```
"""
    assert steps(text) == [
        Block("sh", "", [("celery -A x worker", "")]),
        Edit("call_tasks.py", "a", "b"),
        Block("console", "embedded", [("one", "1\n"), ("two", "")]),
        Block("console", "services", [("one", "2\n"), ("two", "")]),
    ]


@pytest.mark.once
def test_measured_figures_are_compared_by_shape() -> None:
    """≈ 1.05 s is like ≈ 2 s, and unlike 1.05 s or ≈ 2 ms."""
    assert shape("took ≈ 1.05 s\n") == shape("took ≈ 2 s")
    assert shape("took ≈ 1.05 s") != shape("took 1.05 s")
    assert shape("took ≈ 1.05 s") != shape("took ≈ 2 ms")


@pytest.mark.once
def test_a_command_goes_to_the_port_of_its_test() -> None:
    """Test processes live side by side, each with ports of its own; a README has the usual ones."""
    typed = "curl http://localhost:8000/add http://localhost:5555/api"
    assert (
        at_its_port(typed, {"API_PORT": "1", "FLOWER_PORT": "2"})
        == "curl http://localhost:1/add http://localhost:2/api"
    )
    assert at_its_port(typed, {}) == typed


@pytest.mark.once
def test_a_false_readme_is_noticed(tmp_path: Path) -> None:
    """A command that fails, an edit that doesn't fit and an unknown process are refused."""
    room = CourseCopy.copy(tmp_path / "course", "embedded")
    for text, why in (
        ("```console\n$ ls nowhere\n```\n", "ended with"),
        ("In `tasks.py`, change `no such text` to `x`\n", "not once"),
        ("```sh\ncelery -A lesson00.tasks worker --nonsense\n```\n", "no such process"),
    ):
        (room.folder / "lessons/lesson00/README.md").write_text(text)
        with pytest.raises(ValueError, match=why):
            list(play("lessons/lesson00/README.md", room, "embedded"))


@pytest.mark.once
def test_a_new_lesson_keeps_every_promise(tmp_path: Path) -> None:
    """`lesson new 99` makes a lesson that, once its picture is drawn, keeps all promises; its exercise as well."""
    room = CourseCopy.copy(tmp_path / "course", "embedded")
    room.run("lesson new 99 Trying")
    assert "lesson99" in room.run("lesson list") or "Trying" in room.run("lesson list")
    room.run("lesson run 99 --svg lessons/lesson99/timeline.svg")
    room.run("git add -A")
    names = ("every_lesson", "documents", "architecture", "exercises", "lesson99")
    tests = " ".join(f"tests/test_{name}.py" for name in names)
    out = room.run(f"pytest -q -p no:cacheprovider --rootdir . {tests} -k '99'")
    assert re.search(r"\b\d+ passed", out)
