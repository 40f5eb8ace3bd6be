"""Variables with which other projects configure Celery: a lesson ignores them, and says so."""

import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ELSEWHERE = "redis://127.0.0.1:1/0"  # no server listens on port 1
EXPORTED = {
    "BROKER_URL": ELSEWHERE,
    "CELERY_BROKER": ELSEWHERE,
    "CELERY_BROKER_READ_URL": ELSEWHERE,
    "CELERY_BROKER_URL": ELSEWHERE,
    "CELERY_BROKER_WRITE_URL": ELSEWHERE,
    "CELERY_CONFIG_MODULE": "no_such_module",
    "CELERY_LOADER": "no_such_module",
    "CELERY_RESULT_BACKEND": ELSEWHERE,
    "CELERY_WORKER_CONCURRENCY": "many",
    "DJANGO_SETTINGS_MODULE": "no_such_module",
    "FLOWER_URL_PREFIX": "elsewhere",
    "RESULT_BACKEND": ELSEWHERE,
}
UNSET = f"To end this message: unset {' '.join(EXPORTED)}"
ADDRESSES = "from lesson00.tasks import app; print(app.connection().as_uri(), app.backend.as_uri())"


def typed(tmp_path: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Type a command with all of them exported."""
    ours = {**os.environ, "LESSONS_HOME": str(tmp_path), **EXPORTED, **env}
    return subprocess.run(words, env=ours, capture_output=True, text=True, timeout=90)


def test_a_run_goes_where_its_header_says(tmp_path: Path) -> None:
    """Workers and driver use files, and one line, printed once, names the variables and the command that ends it."""
    ran = typed(tmp_path, "lesson", "run", "00")
    assert ran.returncode == 0, ran.stderr
    assert "broker: files" in ran.stderr
    assert ran.stderr.count(UNSET) == 1


def test_in_two_terminals_the_worker_and_the_caller_agree(tmp_path: Path) -> None:
    """`celery` and `python` read the environment at different moments, and both print the line."""
    caller = typed(tmp_path, "python", "-c", ADDRESSES)
    command = typed(tmp_path, "celery", "-A", "lesson00.tasks", "report")
    for one in (caller, command):
        assert one.returncode == 0, one.stderr
        assert ELSEWHERE not in one.stdout
        assert one.stderr.startswith("The course ignores BROKER_URL, CELERY_BROKER,")
        assert one.stderr.count(UNSET) == 1
    assert caller.stdout.startswith("filesystem://")


def test_doctor_names_them(tmp_path: Path) -> None:
    """As a line of its own, and only there; what it says of the addresses holds for a run."""
    said = typed(tmp_path, "lesson", "doctor")
    (line,) = [line for line in said.stdout.splitlines() if UNSET in line]
    assert line.startswith("! ")
    assert "✓ RABBITMQ_URL" in said.stdout
    assert said.stderr == ""


def test_what_the_course_reads_itself_stays(tmp_path: Path) -> None:
    """Flower's port is the course's too; an empty variable is none; and without any, nothing is printed."""
    show = "import os, global_config; print(sorted(name for name in os.environ if name.startswith('FLOWER_')))"
    ours = {**os.environ, "LESSONS_HOME": str(tmp_path), "FLOWER_PORT": "5555", "FLOWER_UNAUTHENTICATED_API": "true"}
    shown = subprocess.run(
        ["python", "-c", show], env={**ours, "CELERY_BROKER_URL": ""}, capture_output=True, text=True
    )
    assert (shown.stdout, shown.stderr) == ("['FLOWER_PORT', 'FLOWER_UNAUTHENTICATED_API']\n", "")
