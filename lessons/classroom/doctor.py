"""`lesson doctor`: what works, what doesn't, and the command that fixes it. It changes nothing."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import psutil
from rich import filesize
from rich.console import Console
from rich.text import Text

from classroom import catalog, environment, extras, processes, servers, strays, use
from classroom.refusal import Refusal

MARKS = {"good": ("✓", "+", "green"), "note": ("!", "!", "yellow"), "wrong": ("✗", "x", "red")}
MUCH = 100_000_000  # bytes under LESSONS_HOME that are worth a word
LITTLE = 20_000_000  # bytes left on its disk with which a run may fail


@dataclass(frozen=True)
class Finding:
    """One line of the report; `kind` is "good", "note" (worth knowing) or "wrong" (lessons won't run)."""

    kind: str
    text: str


def report() -> int:
    """Print all findings, one per line; returns 1 if something is wrong for the selected profile, else 0."""
    console = Console(highlight=False, soft_wrap=True)
    status = 0
    for finding in findings():
        mark, plain, style = MARKS[finding.kind]
        console.print(Text.assemble((plain if console.options.ascii_only else mark, style), f" {finding.text}"))
        status = 1 if finding.kind == "wrong" else status
    return status


def findings() -> Iterator[Finding]:
    """All that can be said, in the order in which one would ask."""
    yield Finding("good", f"Python {sys.version.split()[0]} with Celery {version('celery')}, from {sys.prefix}")
    yield commands_typed()
    yield from libraries()
    if ignored := environment.ignore():
        yield Finding("note", ignored)
    try:
        settings = read_settings()
    except SystemExit as refusal:
        yield refused(str(refusal))
    else:
        yield profile_selected(settings)
        yield from addresses(settings)
    running = celery_processes()
    yield from listening(running)
    yield from ports_taken()
    yield from written(home())


def commands_typed() -> Finding:
    """Whether what one types in this terminal is this environment's."""
    here, names = Path(sys.executable).parent, ("lesson", "celery", "python")
    found = {name: shutil.which(name) for name in names}
    if all(path and Path(path).parent == here for path in found.values()):
        return Finding("good", f"the course in {catalog.COURSE}; {', '.join(names)} in this terminal are its own")
    return Finding("note", f"celery and python in this terminal aren't the course's. To change that: . {here}/activate")


def libraries() -> Iterator[Finding]:
    """Which lessons need libraries that aren't installed yet, and what installs them."""
    lacking: dict[str, list[catalog.Lesson]] = {}
    for lesson in filter(extras.missing, catalog.lessons()):
        lacking.setdefault(lesson.extra, []).append(lesson)
    for lessons in lacking.values():
        who = f"lesson{'s' if len(lessons) > 1 else ''} {', '.join(lesson.number for lesson in lessons)}"
        yield Finding(
            "note", f"the libraries of {who} aren't installed yet. To install them: {extras.command(lessons[0])}"
        )
    if not lacking:
        yield Finding("good", "the libraries of all lessons are installed")


def home() -> Path:
    """LESSONS_HOME, as global_config takes it."""
    value, _ = use.setting("LESSONS_HOME") or (catalog.COURSE / ".lessons", "")
    return Path(value).absolute()


def read_settings() -> ModuleType:
    """global_config, without the folder that it makes for a run; raises its SystemExit."""
    messages = home() / "messages"
    missing = [folder for folder in (messages, *messages.parents) if not folder.exists()]
    try:
        import global_config

        return global_config
    finally:
        for folder in missing:  # the innermost first, and only while it is empty
            with suppress(OSError):
                folder.rmdir()


def refused(sentence: str) -> Finding:
    """What global_config can't work with, where it is set, and how to take it out."""
    name = sentence.partition(" ")[0]
    if not (found := use.setting(name)):
        return Finding("wrong", sentence)
    _, where = found
    fix = "lesson use embedded" if name == use.VARIABLE else f"correct the line {name}=…"
    fix = fix if where == ".env" else f"unset {name}"
    return Finding("wrong", f"{sentence} It is set in {where}; to fix it: {fix}")


def profile_selected(settings: ModuleType) -> Finding:
    """The profile, and what selects it."""
    _, where = use.setting(use.VARIABLE) or ("", "")
    return Finding("good", f"profile {settings.PROFILE}, {f'selected in {where}' if where else 'the default'}")


def addresses(settings: ModuleType) -> Iterator[Finding]:
    """What each of the four addresses leads to, and whether it answers."""
    from classroom.driver import ADDRESSES  # here: it needs global_config

    urls = {name: getattr(settings, name) for name in settings.SCHEMES}
    troubles = servers.ask_all(urls.values())
    for name, url in urls.items():
        found, who = use.setting(name), servers.server(url)
        own = f", set in {found[1]}" if found else ""
        meant = f", instead of {ADDRESSES[name]}" if who != ADDRESSES[name] else ""
        answers = f" answers at {servers.without_password(url)}" if who in servers.PORTS else ""
        if trouble := troubles[url]:
            yield Finding("wrong", f"{name}{own}: {trouble}")
        else:
            yield Finding("good", f"{name}{own}: {who}{answers}{meant}")


def celery_processes() -> dict[psutil.Process, str]:
    """Every celery process of a lesson, with what was typed after "celery"; a worker's pool looks like the worker."""
    lines = {process: typed(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])}
    return {process: line for process, line in lines.items() if line}


def typed(words: list[str]) -> str | None:
    """What follows "celery" in a command line, if it is about a lesson's app."""
    names = [Path(word).name for word in words[:4]]  # celery …, python /…/celery …, python -m celery …
    if "celery" not in names:
        return None
    line = " ".join(words[names.index("celery") + 1 :])
    return line if re.search(r"(^| )(-A|--app)[ =]?(lesson\d\d|exercise)\b", line) else None


def listening(running: dict[psutil.Process, str]) -> Iterator[Finding]:
    """Workers (and beat, flower) that are there now: they take what a driver sends."""
    ids = {process.pid for process in running}
    for process, line in running.items():
        with suppress(psutil.NoSuchProcess):
            parent = process.parent()
            if parent and parent.pid in ids:
                continue  # of a worker's pool: ends with it
            since = datetime.fromtimestamp(process.create_time())
            when = f"{since:%H:%M}" if since.date() == date.today() else f"{since:%Y-%m-%d %H:%M}"
            pool = sum(other.ppid() == process.pid for other in running)
            what = f"process {process.pid} (and {pool} of its pool), since {when}: celery {line}"
            if parent and strays.is_guard(parent):
                yield Finding("good", f"{what} (of a run that is in progress and will end it)")
            else:
                yield Finding("note", f"{what}. If you don't need it any more: kill {process.pid}")
    if not running:
        yield Finding("good", "no worker of a lesson is listening")


def ports_taken() -> Iterator[Finding]:
    """Ports that a lesson's own processes need and another process has."""
    for lesson in catalog.lessons():
        for name in lesson.processes:
            if processes.kind(name) not in processes.PORTS:
                continue
            variable, usual = processes.PORTS[processes.kind(name)]
            port, _ = use.setting(variable) or (usual, "")
            try:
                processes.refuse_taken_port(f"lesson {lesson.number} ({name})", variable, port)
            except Refusal as refusal:
                yield Finding("note", str(refusal))


def written(folder: Path) -> Iterator[Finding]:
    """How much runs have written, what killed ones have left, and whether there is room."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if (free := shutil.disk_usage(there).free) < LITTLE:
        yield Finding("wrong", f"the disk under {folder} is full: {filesize.decimal(free)} left. Make room there")
    if not folder.is_dir():
        yield Finding("good", f"nothing is written yet; runs will write under {folder}")
        return
    fix = f"If no lesson is running: rm -r {folder}"
    total = bytes_under(folder)
    much = f". {fix}" if total > MUCH else ""
    yield Finding("note" if much else "good", f"{folder} holds {filesize.decimal(total)}{much}")
    if left := [run for run in folder.glob("run/*/") if run not in homes_in_use()]:
        yield Finding("note", f"{len(left)} killed runs have left something under {folder / 'run'}. {fix}")


def bytes_under(folder: Path) -> int:
    """The size of all files in `folder`; those that vanish meanwhile count as nothing."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                total += Path(place, name).lstat().st_size
    return total


def homes_in_use() -> set[Path]:
    """The LESSONS_HOME of every process that has one."""
    homes = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            homes.add(Path(process.environ().get("LESSONS_HOME", "")))
    return homes
