"""What global_config accepts, and the one sentence with which it refuses the rest."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import global_config

pytestmark = pytest.mark.once

SHOW = "import global_config as g; print(g.PROFILE, *(getattr(g, name) for name in g.SCHEMES), sep='\\n')"
OWN = {  # an address of one's own for each name, of a kind that no profile has there
    "RABBITMQ_URL": "rediss://:secret@example.org:6380/3",
    "REDIS_BROKER_URL": "pyamqp://me:secret@example.org//",
    "POSTGRES_URL": "redis://example.org:6379/4",
    "REDIS_URL": "db+postgresql+psycopg2://me:secret@example.org/mine",
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with global_config.py and lessons/: all that it takes to be a clone."""
    (tmp_path / "lessons").mkdir()
    (tmp_path / "global_config.py").write_text(Path(global_config.__file__).read_text())
    return tmp_path


def python(folder: Path, code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in `folder`, with no variable of the course's but `env`."""
    others = {k: v for k, v in os.environ.items() if k not in OWN and not k.startswith("LESSONS_")}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={**others, **env}, capture_output=True, text=True
    )


def show(folder: Path, **env: str) -> dict[str, str]:
    """The profile and the addresses that global_config chooses."""
    shown = python(folder, SHOW, **env)
    assert shown.returncode == 0, shown.stderr
    return dict(zip(["LESSONS_PROFILE", *OWN], shown.stdout.splitlines(), strict=True))


def refused(folder: Path, **env: str) -> str:
    """The one line with which it exits."""
    shown = python(folder, SHOW, **env)
    assert shown.returncode == 1
    assert shown.stdout == ""
    (line,) = shown.stderr.splitlines()
    return line


@pytest.mark.parametrize("chosen", ["embedded", "services"])
def test_each_profile_has_four_addresses(chosen: str, clone: Path) -> None:
    """They are those of its row in PROFILES; files and SQLite lie in the clone's own .lessons."""
    shown = show(clone, LESSONS_PROFILE=chosen)
    table = python(clone, "import global_config as g, json; print(json.dumps(g.PROFILES))", LESSONS_PROFILE=chosen)
    assert shown == {"LESSONS_PROFILE": chosen, **json.loads(table.stdout)[chosen]}
    assert (f"{clone}/.lessons" in shown["POSTGRES_URL"]) == (chosen == "embedded")


def test_embedded_is_the_default(clone: Path) -> None:
    """No variable, or an empty one, selects it."""
    assert show(clone)["LESSONS_PROFILE"] == show(clone, LESSONS_PROFILE="")["LESSONS_PROFILE"] == "embedded"


@pytest.mark.parametrize("chosen", ["embedded", "services"])
@pytest.mark.parametrize("name", OWN)
def test_each_address_can_be_replaced(name: str, chosen: str, clone: Path) -> None:
    """A variable of its name replaces that address and no other, on either profile."""
    usual = show(clone, LESSONS_PROFILE=chosen)
    assert show(clone, LESSONS_PROFILE=chosen, **{name: OWN[name]}) == {**usual, name: OWN[name]}


def test_dotenv_is_read(clone: Path) -> None:
    """What .env beside global_config.py says holds, from any working folder, unless the environment says otherwise."""
    (clone / ".env").write_text("# mine\nLESSONS_PROFILE=services\nREDIS_URL='redis://localhost:6379/7'\n")
    elsewhere = clone / "lessons"
    chosen = show(elsewhere, PYTHONPATH=str(clone))
    assert (chosen["LESSONS_PROFILE"], chosen["REDIS_URL"]) == ("services", "redis://localhost:6379/7")
    chosen = show(elsewhere, PYTHONPATH=str(clone), LESSONS_PROFILE="embedded")
    assert (chosen["LESSONS_PROFILE"], chosen["REDIS_URL"]) == ("embedded", "redis://localhost:6379/7")


def test_an_unknown_profile_is_refused(clone: Path) -> None:
    """With the list of those there are."""
    assert refused(clone, LESSONS_PROFILE="cloud") == "LESSONS_PROFILE is 'cloud'; it can be: embedded, services."


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("url", ["http://localhost", "localhost:5672", "sqs://"])
def test_an_unknown_kind_of_address_is_refused(name: str, url: str, clone: Path) -> None:
    """With the kinds that there are for that name."""
    said = refused(clone, **{name: url})
    assert said == f"{name} can begin with {', '.join(global_config.SCHEMES[name])}, then ://; it doesn't."


def test_results_cannot_lie_in_a_broker(clone: Path) -> None:
    """What is right for a broker needn't be for results, nor the other way round."""
    assert "REDIS_URL can begin with redis, " in refused(clone, REDIS_URL="amqp://guest:guest@localhost//")
    assert "RABBITMQ_URL can begin with amqp, " in refused(clone, RABBITMQ_URL="db+sqlite:///results.sqlite")


def test_postgresql_without_its_driver_is_refused(clone: Path) -> None:
    """SQLAlchemy would look for psycopg 3: the sentence says so before it does."""
    said = refused(clone, POSTGRES_URL="db+postgresql://postgres:secret@localhost/celery_jobs")
    assert said.endswith("it doesn't (without +psycopg2 it would want psycopg 3).")
    assert "db+postgresql+psycopg2" in said
    assert "secret" not in said


def test_a_folder_that_cannot_be_written_is_refused(clone: Path) -> None:
    """LESSONS_HOME below a file can't be made, by nobody."""
    (clone / "file").touch()
    said = refused(clone, LESSONS_HOME=str(clone / "file" / "home"))
    assert said == f"Can't write to {clone}/file/home: Not a directory. Set LESSONS_HOME to another folder."


def test_an_installed_wheel_is_refused(clone: Path) -> None:
    """Without lessons/ beside it, it would write into site-packages."""
    (clone / "lessons").rmdir()
    assert refused(clone).endswith("In the clone: pip install -e .")


@pytest.mark.parametrize(
    ("name", "value"), [("LESSONS_PROFILE", "cloud"), ("POSTGRES_URL", "db+postgresql://localhost/celery_jobs")]
)
def test_a_refusal_is_plain_through_celery_too(name: str, value: str, tmp_path: Path) -> None:
    """`celery -A` prints the sentence, without a traceback."""
    command = ["celery", "-A", "lesson00.tasks", "worker"]
    env = {**os.environ, "LESSONS_HOME": str(tmp_path), name: value}
    worker = subprocess.run(command, env=env, capture_output=True, text=True, timeout=20)
    assert worker.returncode == 1
    assert worker.stdout == ""
    (line,) = worker.stderr.splitlines()
    assert line.startswith(name)


def test_nothing_is_written_but_under_lessons_home(clone: Path) -> None:
    """Importing it makes the folder for messages, and no other."""
    home = clone / "elsewhere"
    show(clone, LESSONS_HOME=str(home), PYTHONDONTWRITEBYTECODE="1")
    assert sorted(path.name for path in clone.iterdir()) == ["elsewhere", "global_config.py", "lessons"]
    assert [path.name for path in home.iterdir()] == ["messages"]


def test_celery_report_does_not_print_the_environment(clone: Path) -> None:
    """Celery shows every name of its configuration module that has no underscore: nothing private stands in one."""
    code = "from celery import Celery; app = Celery(); app.config_from_object('global_config'); print(app.bugreport())"
    shown = python(clone, code, MY_HOUSEKEEPING="nobody-else-s-business")
    assert shown.returncode == 0, shown.stderr
    assert "LESSONS_HOME" in shown.stdout
    assert "nobody-else-s-business" not in shown.stdout
