"""`make` sets up what a lesson needs when it is needed, and again after an interruption. Nothing is downloaded here."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from time import time

import pytest

from classroom import catalog

pytestmark = pytest.mark.once

PROJECT = tomllib.loads((catalog.COURSE / "pyproject.toml").read_text())
# Takes the place of uv: notes what it is asked for, leaves something in the environment, then does what THEN says.
UV = """#!/bin/sh
echo "$@" >>asked
printf '#!/bin/sh\\necho ran "$@"\\n' >.venv/bin/lesson
chmod +x .venv/bin/lesson
touch .venv/installed
eval "$THEN"
"""
# Takes the place of pip.
PIP = "import sys; print(*sys.argv[1:], file=open('asked', 'a'))"


@dataclass
class Clone:
    """What `make` reads, in a folder of its own, and a uv that downloads nothing."""

    folder: Path

    def make(self, *words: str, then: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        """Type `make`; uv ends with the shell command `then`."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        path = os.pathsep.join([str(self.folder / "bin"), str(Path(sys.executable).parent), clean["PATH"]])
        return subprocess.run(
            ["make", *words], cwd=self.folder, env={**clean, "PATH": path, "THEN": then, **env},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, process_group=0,
        )  # fmt: skip

    def asked(self) -> list[str]:
        """What has been installed since this was last asked: the last word of each command."""
        file = self.folder / "asked"
        commands = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        assert all("--constraint constraints.txt --editable" in command for command in commands)
        return [command.split()[-1] for command in commands]

    @property
    def installed(self) -> Path:
        """What an installation leaves in the environment."""
        return self.folder / ".venv" / "installed"


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A clone in which nothing is set up."""
    files = ["Makefile", "pyproject.toml", "constraints.txt"]
    for name in files + [f"lessons/{lesson.name}/Procfile" for lesson in catalog.lessons()]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(catalog.COURSE / name, tmp_path / name)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "uv").write_text(UV)
    (tmp_path / "bin" / "uv").chmod(0o755)
    return Clone(tmp_path)


def test_each_lesson_gets_what_it_needs_when_it_is_first_run(clone: Clone) -> None:
    """No more, and not twice; a layer contains those before it."""
    assert clone.make("run").stdout.splitlines()[1] == "ran run 00"
    assert clone.asked() == ["."]
    for words, installs in (
        (["run"], []),
        (["run", "LESSON=12"], []),
        (["run", "LESSON=16"], [".[postgres]"]),
        (["run", "LESSON=13"], [".[apps]"]),
        (["run", "LESSON=15"], []),
        (["setup"], [".[dev]"]),
        (["apps"], []),
        (["run", "LESSON=16"], []),
    ):
        assert clone.make(*words).returncode == 0
        assert clone.asked() == installs, words


def test_pip_installs_where_uv_is_missing(clone: Clone) -> None:
    """With the same pins."""
    (clone.folder / "pip").mkdir()
    (clone.folder / "pip" / "__init__.py").touch()
    (clone.folder / "pip" / "__main__.py").write_text(PIP)
    made = clone.make("apps", "UV=", PYTHONPATH=str(clone.folder))
    assert made.returncode == 0, made.stderr
    asked = (clone.folder / "asked").read_text().splitlines()
    assert [words.split()[0] for words in asked] == ["uninstall", "install"]
    assert asked[1].endswith("--constraint constraints.txt --editable .[apps]")


FULL = "echo No space left on device; exit 1"


@pytest.mark.parametrize("then", ["kill -INT 0", "kill -KILL 0", FULL], ids=["Ctrl-C", "killed", "full disk"])
@pytest.mark.parametrize("before", [[], ["run"]], ids=["first", "later"])
def test_the_next_make_repairs_a_half_finished_environment(clone: Clone, before: list[str], then: str) -> None:
    """By making it again from nothing: a library that is there in part looks installed to pip, and to uv."""
    for target in before:
        clone.make(target)
    assert clone.make("run", "LESSON=13", then=then).returncode != 0
    (clone.folder / ".venv" / "half").touch()
    clone.asked()
    assert "ran run 13" in clone.make("run", "LESSON=13").stdout
    assert clone.asked() == [".[apps]"]
    assert clone.installed.exists()
    assert not (clone.folder / ".venv" / "half").exists()
    clone.make("run", "LESSON=13")
    clone.make("run")
    assert clone.asked() == []


def test_a_set_up_that_failed_says_what_to_type(clone: Clone) -> None:
    """After the reason, which pip or uv has given."""
    failed = clone.make("run", then=FULL)
    assert failed.returncode == 2
    assert failed.stdout.endswith(
        "No space left on device\n"
        "The set-up isn't finished. When the cause above is gone, type the same command again.\n"
    )


@pytest.mark.parametrize("file", ["pyproject.toml", "constraints.txt"])
def test_new_pins_are_installed_into_the_environment_that_is_there(clone: Clone, file: str) -> None:
    """After a `git pull`, say; nothing is thrown away for it."""
    clone.make("run")
    (clone.folder / ".venv" / "mine").touch()
    clone.asked()
    later = time() + 5  # seconds: some file systems round times
    os.utime(clone.folder / file, (later, later))
    assert clone.make("run").returncode == 0
    assert clone.asked() == ["."]
    assert (clone.folder / ".venv" / "mine").exists()


def test_an_environment_whose_python_is_gone_is_made_again(clone: Clone) -> None:
    """As when the system's Python was replaced by a newer one."""
    clone.make("run")
    for ready in (clone.folder / ".venv").glob(".ready-*"):
        ready.unlink()
    for name in ("python", "python3", f"python3.{sys.version_info.minor}"):
        (clone.folder / ".venv" / "bin" / name).unlink()
        (clone.folder / ".venv" / "bin" / name).symlink_to("/nowhere/python3")
    assert clone.make("run").returncode == 0
    assert subprocess.run([clone.folder / ".venv/bin/python", "-c", ""]).returncode == 0


def test_make_knows_the_layers_of_pyproject() -> None:
    """In the same order: each extra contains the one before."""
    [layers] = re.findall(r"(?m)^LAYERS := (.*)$", (catalog.COURSE / "Makefile").read_text())
    extras = PROJECT["project"]["optional-dependencies"]
    assert layers.split() == ["base", *extras]
    for inner, outer in zip(list(extras), list(extras)[1:], strict=False):
        assert extras[outer][0] == f"{PROJECT['project']['name']}[{inner}]"


def test_uv_run_gets_the_pins_of_constraints_txt() -> None:
    """If it doesn't: cog -r pyproject.toml"""
    pins = (catalog.COURSE / "constraints.txt").read_text().split()
    assert PROJECT["tool"]["uv"]["constraint-dependencies"] == pins
