"""What contributors find: pages, templates, hooks and workflows that agree with the course."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from classroom import catalog, cli
from classroom.readme import GENERATED, CourseCopy
from tests import words

pytestmark = pytest.mark.once

COURSE = catalog.COURSE
WORKFLOWS = sorted(COURSE.glob(".github/workflows/*.yml"))
DEFAULT = COURSE / "CONTRIBUTING.md"
COMMAND = re.compile(r"^(?:\.venv/bin/)?(make|lesson|pytest|python)\b")


def steps(file: Path) -> list[str]:
    """All shell commands of a workflow."""
    jobs = yaml.safe_load(file.read_text())["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_fits_its_schema(file: Path) -> None:
    """GitHub would run it."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_the_tests_run_on_every_python_and_on_the_servers_of_the_compose_file() -> None:
    """The same images, and each Python from the oldest one that we allow."""
    test = yaml.safe_load((COURSE / ".github/workflows/tests.yml").read_text())["jobs"]["test"]
    compose = yaml.safe_load((COURSE / "docker-compose.yml").read_text())["services"]
    assert {name: service["image"] for name, service in test["services"].items()} == {
        name: compose[name]["image"] for name in ("rabbitmq", "redis", "postgres")
    }
    oldest = tomllib.loads((COURSE / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    assert test["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert test["strategy"]["matrix"]["python"][0] == oldest


def targets() -> set[str]:
    """What `make` knows."""
    return set(re.findall(r"^(\w+):", (COURSE / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("file", [*WORKFLOWS, COURSE / ".devcontainer/devcontainer.json"], ids=lambda file: file.name)
def test_what_a_workflow_runs_exists(file: Path) -> None:
    """Targets of make, subcommands of lesson, options and files of pytest; the rest is GitHub's and Debian's own."""
    text = file.read_text()
    commands = steps(file) if file.suffix == ".yml" else re.findall(r'Command": "(.*)"', text)
    ours = [command for command in commands if COMMAND.match(command)]
    others = {command.split()[0] for command in commands if command not in ours}
    assert ours
    assert others <= {"sudo", "gh"}
    for command in ours:
        program, *arguments = command.removeprefix(".venv/bin/").split()
        if program == "make":
            assert set(arguments) <= targets()
        elif program == "pytest":
            asked = subprocess.run([program, "--collect-only", "-q", *arguments], cwd=COURSE, capture_output=True)
            assert asked.returncode == 0, asked.stdout
        elif program == "lesson":
            assert subprocess.run([program, arguments[0], "--help"], capture_output=True).returncode == 0


def test_work_can_be_committed_in_a_fork(tmp_path: Path) -> None:
    """A learner's answer goes into a commit that touches no other file, and no page is played with it."""
    copy = CourseCopy.copy(tmp_path / "course", "embedded")
    copy.run("lesson start 00")
    assert copy.run("git status --short") == ""
    copy.run("git add --force work && git -c user.name=me -c user.email=me@localhost commit -qm work")
    changed = copy.run("git show --name-only --format=").split()
    assert changed
    assert all(name.startswith("work/") for name in changed)


def test_hooks_run_what_lint_runs() -> None:
    """Each linter of `make lint`, from the course's own environment."""
    hooks = yaml.safe_load((COURSE / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", (COURSE / "Makefile").read_text(), re.MULTILINE)
    assert lint
    tools = set(re.findall(r"\$\(BIN\)/(\w+)", lint[1]))
    assert tools <= {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in hooks}
    assert all(
        (COURSE / word).exists() for hook in hooks for word in hook["entry"].split() if word.startswith("tests/")
    )


@pytest.mark.parametrize("command", re.findall(r"^(pytest .*)$", DEFAULT.read_text(), re.MULTILINE))
def test_the_commands_for_contributors_find_tests(command: str) -> None:
    """Each example of CONTRIBUTING.md selects at least one test."""
    asked = subprocess.run([*command.split(), "--collect-only", "-q"], cwd=COURSE, capture_output=True, text=True)
    assert asked.returncode == 0, asked.stdout


def test_the_other_commands_for_contributors_work(tmp_path: Path) -> None:
    """A new lesson can be made, and the names that the page gives exist."""
    text = DEFAULT.read_text()
    copy = CourseCopy.copy(tmp_path / "course", "embedded")
    new = re.search(r"^lesson new .*$", text, re.MULTILINE)
    assert new
    assert "made lessons/lesson42/tasks.py" in copy.run(new[0])
    assert set(re.findall(r"(?:^|`)make (\w+)", text, re.MULTILINE)) <= targets()
    for name in re.findall(r"`((?:tests|lessons)/[\w/.]+)`", text):
        assert (copy.folder / name).exists(), name


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "AGENTS.md", "CHANGELOG.md", "docker-compose.yml", "Dockerfile"])
def test_these_pages_have_no_word_that_the_course_avoids(name: str) -> None:
    """As the hook would say."""
    assert list(words.found(words.whole([str(COURSE / name)]))) == []


def test_the_front_page_is_short_and_has_no_word_that_the_course_avoids(tmp_path: Path) -> None:
    """README.md has at most 500 lines; the word check reads what isn't generated from the lessons' pages."""
    text = (COURSE / "README.md").read_text()
    assert len(text.splitlines()) <= 500
    ours = tmp_path / "README.md"
    ours.write_text(GENERATED.sub("", text))
    assert list(words.found(words.whole([str(ours)]))) == []


@pytest.mark.parametrize("command", re.findall(r"`((?:make|lesson) [^`]*)`", (COURSE / "AGENTS.md").read_text()))
def test_the_commands_for_assistants_exist(command: str) -> None:
    """Targets of make, and subcommands of lesson."""
    program, word = command.split()[:2]
    assert word in (targets() if program == "make" else cli.main.commands)


def test_the_word_check_names_line_and_advice(tmp_path: Path) -> None:
    """Whole files, or what the next commit adds."""
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@localhost"]
    script = [sys.executable, words.__file__]
    page = tmp_path / "page.md"
    page.write_text("Nobody reads it.\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "page"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    page.write_text("Nobody reads it.\nIt waits for\never, or for ever.\n")
    subprocess.run([*git, "add", "."], cwd=tmp_path, check=True)
    both = subprocess.run([*script, "page.md"], cwd=tmp_path, capture_output=True, text=True)
    one = subprocess.run([*script, "--added", "page.md"], cwd=tmp_path, capture_output=True, text=True)
    none = subprocess.run([*script, "--added"], cwd=tmp_path, capture_output=True, text=True)
    assert both.stdout.startswith("page.md:1: 'Nobody'; write: ")
    assert one.stdout == "page.md:3: 'for ever'; write: forever, indefinitely\n"
    assert (both.returncode, one.returncode, none.returncode) == (1, 1, 0)
