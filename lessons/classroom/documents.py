"""READMEs that can't go stale: their commands are run, and what they print is compared (tests) or written (docs).

In a README, ```console blocks hold `$ command` lines, each followed by its stdout; ```sh blocks hold commands only.
A second word names the profile a block is for; a block without one is for both, unless its twin for services follows.
«In `file`, change `this` to `that`» is an edit, and holds from there on. Nothing else in the course writes documents.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

from classroom import catalog
from classroom.catalog import Lesson
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
class Room:
    """A copy of the course under `folder`, with nothing of the reader's in it, where a README can be played through."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    @classmethod
    def copy(cls, folder: Path, profile: str = "") -> "Room":
        """Copy what git knows or would add; `profile` is selected by the environment, or by nothing if empty."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=catalog.COURSE, capture_output=True, text=True, check=True,
        )  # fmt: skip
        for name in filter(None, listed.stdout.split("\0")):
            if (catalog.COURSE / name).is_file():
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
        room = cls(folder, env)
        identity = "-c user.name=reader -c user.email=reader@localhost"
        room.run(f"git init -q && git add -A && git {identity} commit -qm copy")
        return room

    def run(self, command: str, **env: str) -> str:
        """stdout of a command typed in the course's folder; raises ValueError, with its stderr, if it fails."""
        ended = subprocess.run(
            command, shell=True, cwd=self.folder, env={**self.env, **env}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        if ended.returncode:
            raise ValueError(f"{command} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
        return ended.stdout


def play(
    readme: str, room: Room, profile: str, picture: Path | None = None, skip: Collection[str] = ()
) -> Iterator[tuple[Block, list[str]]]:
    """Do what the file `readme` of `room` says, its lesson's processes running; yields each console block with outputs.

    The first run of the driver also draws its timeline into `picture`; commands in `skip` are left out. Raises
    ValueError where a command fails, an edit doesn't fit or a process isn't one of the Procfile.
    """
    file = room.folder / readme
    commands = catalog.procfile(file.with_name("Procfile")) if file.with_name("Procfile").exists() else {}
    text = GENERATED.sub("", file.read_text())
    todo = [step for step in steps(text) if isinstance(step, Edit) or step.profile in ("", profile)]
    shown = {typed for step in todo if isinstance(step, Block) and step.language == "console" for typed in step.typed}
    with ExitStack() as stack:
        workers = stack.enter_context(ExitStack())

        def start() -> None:
            workers.close()
            logs = room.folder / ".logs" / uuid4().hex
            if commands:
                workers.enter_context(running(commands, logs, room=(room.folder, room.env)))

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
                    outputs.append(room.run(at_its_port(command, room.env), **wanted))
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


def remake_all(lessons: list[Lesson]) -> Iterator[str]:
    """Re-make what runs print, in the READMEs of `lessons` and in the root's; yields a line for each thing done.

    Runs on the embedded profile, and on services where all three servers answer.
    """
    from classroom.profile import servers_down

    down = servers_down()
    for lesson in lessons:
        for profile in ("embedded",) if down else ("embedded", "services"):
            with tempfile.TemporaryDirectory() as folder:
                picture = lesson.folder / "timeline.svg" if profile == "embedded" else None
                changed = remake(f"lessons/{lesson.name}/README.md", Room.copy(Path(folder), profile), profile, picture)
                yield f"{lesson.name} on {profile}: {'transcripts changed' if changed else 'as it was'}"
    if down:
        yield f"left out the services profile: {down}"
    with tempfile.TemporaryDirectory() as folder:
        commands = [step for step in steps((catalog.COURSE / "README.md").read_text()) if isinstance(step, Block)]
        skip = {typed for block in commands if block.language == "sh" for typed in block.typed}
        changed = remake("README.md", Room.copy(Path(folder), "embedded"), "embedded", skip=skip)
    cog = [sys.executable, "-m", "cogapp", "-r", "README.md"]
    written = subprocess.run(cog, cwd=catalog.COURSE, capture_output=True, text=True)
    if written.returncode:
        raise ValueError(f"cog can't write README.md:\n{written.stderr}")
    yield f"README.md: {'changed' if changed or 'changed' in written.stdout else 'as it was'}"


def remake(readme: str, room: Room, profile: str, picture: Path | None = None, skip: Collection[str] = ()) -> bool:
    """Write the outputs of this profile's console blocks into the file `readme`; returns whether any changed."""
    before = text = (catalog.COURSE / readme).read_text()
    for block, outputs in play(readme, room, profile, picture, skip):
        old = block.text([output for _, output in block.commands])
        if block.profile == "embedded" and old not in text:
            block.profile = ""  # an unnamed block whose twin for services follows
            old = block.text([output for _, output in block.commands])
        if shape(old) != shape(block.text(outputs)):
            if profile == "services" and not block.profile:
                raise ValueError(f"{readme}: on services the output differs; add a ```console services block below")
            text = text.replace(old, block.text(outputs), 1)
    (catalog.COURSE / readme).write_text(text)
    return text != before


# What the root README takes from the lessons; called from its cog blocks.


def table_of_lessons() -> str:
    """A Markdown table: number, title with a link, and what one will be able to do."""
    lines = ["| | lesson | you will be able to |", "|---|---|---|"]
    for lesson in catalog.lessons():
        promise = lesson.promise.removeprefix("You will be able to ").rstrip(".")
        lines.append(f"| {lesson.number} | [{lesson.title}](lessons/{lesson.name}/README.md) | {promise} |")
    return "\n".join(lines)


def walkthrough() -> str:
    """A section per lesson: its README from the title to «Why it is like that», one heading level deeper."""
    return "\n\n".join(_section(lesson) for lesson in catalog.lessons())


def _section(lesson: Lesson) -> str:
    text = (lesson.folder / "README.md").read_text().partition("\n## Why")[0].strip()
    text = re.sub(r"^(?=# Lesson|## )", "##", text, flags=re.MULTILINE)
    text = re.sub(r"(\]\()(?!https?:|#)([^)]+)\)", rf"\1lessons/{lesson.name}/\2)", text)
    return f"{text}\n\nMore, and things to try: [lesson {lesson.number}](lessons/{lesson.name}/README.md)."


def help_text() -> str:
    """`lesson --help`, as it prints."""
    import click

    from classroom.cli import main

    return main.get_help(click.Context(main, info_name="lesson", **main.context_settings))


def new_lesson(number: str, title: str) -> list[Path]:
    """Copy the template as lesson `number`; returns the files made. Refuses a number that is taken or isn't one."""
    if not number.isdecimal() or int(number) > 99:
        raise SystemExit(f"{number!r} is no lesson number; the next is {len(catalog.lessons()):02}.")
    number = f"{int(number):02}"
    folder = catalog.LESSONS / f"lesson{number}"
    if folder.exists():
        raise SystemExit(f"There is a lesson {number} already; the next number is {len(catalog.lessons()):02}.")
    made = []
    template = Path(__file__).parent / "template"
    for source in sorted(file for file in template.rglob("*") if file.is_file() and file.suffix != ".pyc"):
        name = str(source.relative_to(template)).replace("NN", number)
        file = catalog.COURSE / "tests" / name if name.startswith("test_") else folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source.read_text().replace("NN", number).replace("TITLE", title))
        made.append(file)
    return made
