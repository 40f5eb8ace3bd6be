"""Read a README and do what it says: run its commands in a copy of the course, and hand over what they print.

Tests compare the output with the page; `lesson docs` writes it into the page.

In a README, ```console blocks hold `$ command` lines, each followed by its stdout; ```sh blocks hold commands only.
A second word names the profile a block is for; a block without one is for both, unless its twin for services follows.
A sentence 'In `file`, change `this` to `that`' is an edit, and holds from there on.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

from classroom import catalog
from classroom.processes import PORTS, running
from classroom.timeline import GLYPHS

FENCE = re.compile(r"^```(?P<language>\w+)(?: (?P<profile>\w+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
GENERATED = re.compile(r"<!-- \[\[\[cog.*?\[\[\[end\]\]\] -->", re.DOTALL)  # cog writes and checks these parts
EDIT = re.compile(r"In\s+`(?P<file>[\w./]+)`,\s+change\s+`(?P<old>[^`]+)`\s+to\s+`(?P<new>[^`]+)`")


@dataclass
class Block:
    """A fenced block; `commands` are its commands with what stands below each."""

    language: str
    profile: str
    commands: list[tuple[str, str]]

    @property
    def typed(self) -> list[str]:
        """The commands alone."""
        return [command for command, _ in self.commands]

    def text(self, outputs: list[str]) -> str:
        """The block as it stands in a README, with these outputs."""
        body = "".join(f"$ {command}\n{output}" for (command, _), output in zip(self.commands, outputs, strict=True))
        return f"```{' '.join(filter(None, (self.language, self.profile)))}\n{body}```"


@dataclass
class Edit:
    """A change the reader is asked to make; `file` is relative to the README's folder."""

    file: str
    old: str
    new: str


def steps(text: str) -> list[Block | Edit]:
    """The edits and the console and sh blocks of a README, in order."""
    found: list[tuple[int, Block | Edit]] = []
    found += [(m.start(), Edit(m["file"], m["old"], m["new"])) for m in EDIT.finditer(text)]
    found += [(m.start(), _block(m)) for m in FENCE.finditer(text) if m["language"] in ("console", "sh")]
    ordered = [step for _, step in sorted(found, key=lambda step: step[0])]
    for one, other in pairwise(ordered):
        match one, other:
            case Block(profile=""), Block(profile="services") if one.typed == other.typed:
                one.profile = "embedded"
    return ordered


def _block(match: re.Match[str]) -> Block:
    if match["language"] == "sh":
        lines = match["text"].splitlines()
        return Block("sh", match["profile"] or "", [(line, "") for line in lines if line and not line.startswith("#")])
    parts = re.split(r"^\$ (.*)\n", match["text"], flags=re.MULTILINE)
    return Block("console", match["profile"] or "", list(zip(parts[1::2], parts[2::2], strict=True)))


def shape(output: str) -> str:
    """`output` with every measured figure (≈ 1.05 s) reduced to its place and unit, for comparing."""
    lines = (re.sub(r"≈ *[\d.,]+", "≈ #", line).rstrip() for line in output.splitlines())
    return "\n".join(lines).strip("\n")


@dataclass
class CourseCopy:
    """A copy of the course under `folder`, without the reader's own files, to play a README in."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    @classmethod
    def copy(cls, folder: Path, profile: str = "") -> "CourseCopy":
        """Copy what git knows or would add; `profile` is selected by the environment, or by nothing if empty."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=catalog.COURSE,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (catalog.COURSE / name).is_file() and not name.startswith("work/"):  # a fork may have answers in it
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(catalog.COURSE / name, folder / name)
        theirs = re.compile(r"LESSONS_|GIT_|MAKE|PYTEST_|\w+_URL$")
        env = {name: value for name, value in os.environ.items() if not theirs.match(name)}
        env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}"
        env["PYTHONPATH"] = f"{folder}{os.pathsep}{folder / 'lessons'}"  # the copy, not the installed course
        if profile:
            env["LESSONS_PROFILE"] = profile
        (folder / ".venv").symlink_to(sys.prefix)  # this environment is the one that `make` would set up,
        (folder / ".ready-base").touch()
        env["MAKEFLAGS"] = " -- READY=.ready-"  # and it is set up already
        course = cls(folder, env)
        identity = "-c user.name=reader -c user.email=reader@localhost"
        course.run(f"git init -q && git add -A && git {identity} commit -qm copy")
        return course

    def run(self, command: str, **env: str) -> str:
        """stdout of a command typed in the course's folder; raises ValueError, with its stderr, if it fails."""
        ended = subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if ended.returncode:
            raise ValueError(f"{command} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
        return ended.stdout


def play(
    readme: str, course: CourseCopy, profile: str, picture: Path | None = None, skip: Collection[str] = ()
) -> Iterator[tuple[Block, list[str]]]:
    """Do what the file `readme` of `course` says, with its lesson's processes; yield each console block with outputs.

    The first run of the driver also draws its timeline into `picture`; commands in `skip` are left out. Raises
    ValueError where a command fails, an edit doesn't fit or a process isn't one of the Procfile.
    """
    file = course.folder / readme
    commands = catalog.procfile(file.with_name("Procfile")) if file.with_name("Procfile").exists() else {}
    text = GENERATED.sub("", file.read_text())
    todo = [step for step in steps(text) if isinstance(step, Edit) or step.profile in ("", profile)]
    shown = {typed for step in todo if isinstance(step, Block) and step.language == "console" for typed in step.typed}
    with ExitStack() as stack:
        workers = stack.enter_context(ExitStack())

        def start() -> None:
            workers.close()
            logs = course.folder / ".logs" / uuid4().hex
            if commands:
                workers.enter_context(running(commands, logs, place=(course.folder, course.env)))

        start()
        for step in todo:
            if isinstance(step, Edit):
                _apply(step, file.parent)
                if step.file != "call_tasks.py":
                    start()
                continue
            outputs = []
            for command in step.typed:
                if command in commands.values():
                    continue
                if re.match(r"celery .* (worker|beat|flower)\b", command):
                    raise ValueError(f"{readme}: the Procfile has no such process: {command}")
                if command not in skip and (step.language == "console" or command not in shown):
                    wanted = {"LESSONS_SVG": str(picture)} if picture and "call_tasks" in command else {}
                    picture = None if wanted else picture
                    outputs.append(course.run(at_its_port(command, course.env), **wanted))
            if step.language == "console":
                yield step, outputs


def at_its_port(command: str, env: Mapping[str, str]) -> str:
    """`command`, with the usual port of an address such as localhost:8000 replaced by the one that `env` chooses."""
    for variable, usual in PORTS.values():
        command = command.replace(f"localhost:{usual}", f"localhost:{env.get(variable) or usual}")
    return command


def _apply(edit: Edit, folder: Path) -> None:
    file = folder / edit.file
    text = file.read_text()
    if text.count(edit.old) != 1:
        raise ValueError(f"{file.name} holds {edit.old!r} {text.count(edit.old)} times, not once")
    file.write_text(text.replace(edit.old, edit.new))


def picture_rows(document: str) -> list[str]:
    """What a timeline's SVG says without its bars and scale: name, state, queue and worker of each row, sorted."""
    lines: dict[float, list[tuple[float, str]]] = {}
    for x, y, text in re.findall(r'<text [^>]*x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>', document):
        lines.setdefault(float(y), []).append((float(x), text.replace("&#160;", " ")))
    texts = [" ".join(text for _, text in sorted(parts)) for _, parts in sorted(lines.items())]
    bars = "".join(set(GLYPHS.values()))
    rows = [" ".join(re.sub(f"[{bars}]", " ", text).split()) for text in texts[2:]]  # after the legend and the scale
    return sorted(re.sub(r"(chord_unlock .*), run \d+", r"\1", row) for row in rows if row)  # it polls as it must
