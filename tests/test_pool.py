"""The test run itself: which process runs what, and how many second attempts a run may need."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pool import SHARED, unit

pytestmark = pytest.mark.once

CONFTEST = """
from tests.conftest import (
    profile, pytest_addoption, pytest_configure, pytest_generate_tests, pytest_sessionfinish, pytest_terminal_summary,
    pytest_unconfigure, pytest_xdist_make_scheduler,
)
"""
TESTS = """
import os

import pytest


def test_the_process_serves_the_profile_of_the_test(profile):
    assert os.environ["LESSONS_PROFILE"] == profile


@pytest.mark.once
def test_once(profile):
    assert profile == "embedded"


def test_that_ends_its_process_the_first_time(profile, tmp_path_factory):
    flag = tmp_path_factory.getbasetemp().parent / f"{profile}-has-crashed"
    if not flag.exists():
        flag.touch()
        os._exit(1)
"""
FLAKY = """
import pytest

attempts = []


@pytest.mark.parametrize("number", range(NUMBER))
def test_that_passes_the_second_time(number):
    attempts.append(number)
    assert attempts.count(number) == 2
"""


def run(folder: Path, *options: str, **tests: str) -> subprocess.CompletedProcess[str]:
    """Run these test files with the course's own settings."""
    (folder / "conftest.py").write_text(CONFTEST)
    for name, text in tests.items():
        (folder / f"test_{name}.py").write_text(text)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "--strict-markers", *options]
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  once: on the embedded profile only\n")
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=100)


def test_each_process_serves_one_profile_and_so_does_the_one_that_replaces_it(tmp_path: Path) -> None:
    """Each file runs on both profiles, and a test marked `once` on the embedded one, also after a crash."""
    ended = run(tmp_path, "--profile", "both", "--numprocesses", "2", a=TESTS, b=TESTS)
    passed = re.findall(r"^PASSED test_(\w)\.py::(\w+)\[(@\w+)\]", ended.stdout, re.MULTILINE)
    named = "test_the_process_serves_the_profile_of_the_test"
    profiles = ("@embedded", "@services")
    assert {one for one in passed if one[1] == named} == {
        (file, named, profile) for file in "ab" for profile in profiles
    }
    assert {one for one in passed if one[1] == "test_once"} == {(file, "test_once", "@embedded") for file in "ab"}
    crashed = re.findall(r"^worker 'gw\d' crashed while running", ended.stdout, re.MULTILINE)
    assert len(crashed) == 2, ended.stdout


def uses_running_processes(file: Path) -> bool:
    """Whether a test in this file asks for the processes of its lesson."""
    tests = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)]
    asked = {argument.arg for test in tests if test.name.startswith("test_") for argument in test.args.args}
    return bool(asked & {"http", "workers"}) or 'usefixtures("workers")' in file.read_text()


def test_files_that_share_running_processes_are_in_a_row() -> None:
    """All of those of lessons 13 to 15, so that their processes aren't started for each file."""
    files = [file for lesson in SHARED for file in Path(__file__).parent.glob(f"{lesson}*.py")]
    assert {file.name for file in files if uses_running_processes(file)} == {
        f"{lesson}_{subject}.py" for lesson, rows in SHARED.items() for row in rows for subject in row.split()
    }
    for lesson, (row, *_) in SHARED.items():
        assert {unit(f"tests/{lesson}_{subject}.py") for subject in row.split()} == {f"{lesson} {row}"}
    assert unit("tests/test_lesson14_chaos.py") == "tests/test_lesson14_chaos.py"


def test_one_file_on_one_profile_is_enough(tmp_path: Path) -> None:
    """With more processes than files, a process of the right profile is kept."""
    ended = run(tmp_path, "--profile", "both", "--numprocesses", "4", "-k", "services and profile_of", a=TESTS)
    assert "1 passed" in ended.stdout, ended.stdout


def test_both_profiles_need_more_than_one_process(tmp_path: Path) -> None:
    """Said in a sentence."""
    ended = run(tmp_path, "--profile", "both", a=TESTS)
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--numprocesses 5" in ended.stderr


@pytest.mark.parametrize(("flaky", "status"), [(2, 0), (3, 1)])
def test_a_run_fails_if_more_than_two_tests_needed_a_second_attempt(flaky: int, status: int, tmp_path: Path) -> None:
    """Each of those attempts is shown with its reason."""
    ended = run(tmp_path, "--numprocesses", "2", "--reruns", "1", a=FLAKY.replace("NUMBER", str(flaky)))
    assert ended.returncode == status, ended.stdout
    assert ended.stdout.count("tried again _") == flaky
    assert ("3 tests were tried again; a run with more than 2 fails." in ended.stdout) is bool(status)
