"""The command `lesson`: parse, call, print."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import indent

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from classroom import answers, catalog, exercises


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(context: click.Context) -> None:
    """Runnable lessons on Celery. Without a command: the list of lessons."""
    if not context.invoked_subcommand:
        context.invoke(list_)


@main.command("list")
def list_() -> None:
    """Which lessons there are, and what comes next."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for lesson in catalog.lessons():
        promise = lesson.promise.removeprefix("You will be able to ")
        mark = {"solved": "✓", "begun": "…"}.get(exercises.status(lesson), "")
        table.add_row(mark, lesson.number, Text(lesson.title, style="bold"), promise[0].upper() + promise[1:])
    Console(highlight=False).print(table, "", exercises.next_step(catalog.lessons()), sep="\n")


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("number")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Save the timeline as a picture.")
@click.option("--logs", is_flag=True, help="Show the workers' logs beside the story.")
def run(number: str, arguments: tuple[str, ...], svg: Path | None, logs: bool) -> None:
    """Run lesson NUMBER: its workers, its driver, its timeline.

    ARGUMENTS are the driver's, where it takes any.
    """
    lesson = catalog.find(number)
    if svg:
        refuse_unwritable(svg)
    with told_when_stopped():
        from classroom.runs import run_lesson  # here: `lesson list` needs no Celery

        sys.exit(run_lesson(lesson, arguments, svg, logs))


@contextmanager
def told_when_stopped() -> Iterator[None]:
    """Ctrl-C ends the command with a sentence and status 130, as shells have it; what it started has ended."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("Stopped; nothing is left running.", err=True)
        sys.exit(130)


def refuse_unwritable(file: Path) -> None:
    """Exit with a sentence where `file` can't be written, before any work is done for it."""
    try:
        file.open("a").close()
    except OSError as error:
        sys.exit(f"Can't write {file}: {error.strerror}. Name a file in a folder that you can write to.")


@main.command()
@click.argument("number")
@click.option("--again", is_flag=True, help="Start over; your answer so far is kept beside.")
def start(number: str, again: bool) -> None:
    """Begin the exercise of lesson NUMBER, in work/."""
    parts = catalog.find_parts(number)
    for part in [part for part in parts if again or not exercises.state(part)] or parts:
        for line in exercises.start(part, again):
            click.echo(line)


@main.command()
@click.argument("number")
@click.option("--answer", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Judge another file.")
@click.option("--seed", type=int, help="Make the checks use the values they used with this seed.")
def check(number: str, answer: Path | None, seed: int | None) -> None:
    """Judge your exercise of lesson NUMBER.

    Where a lesson has incidents too, they come after it, up to the first that doesn't hold. One alone: 16/incident1.
    """
    parts = catalog.find_parts(number)
    with told_when_stopped():
        sys.exit(1 if tell_verdicts(parts[:1] if answer else parts, answer, seed) else 0)


def tell_verdicts(parts: list[catalog.Lesson], answer: Path | None = None, seed: int | None = None) -> str:
    """Judge one part after another; returns the name of the first check that failed, which ends it, or ""."""
    for part, *left in (parts[place:] for place in range(len(parts))):
        if failed := tell_verdict(part, answer, seed):
            if left:
                click.echo(f"Not judged: {', '.join(one.number for one in left)}.")
                click.echo(f"To judge one alone: lesson check {left[0].number}")
            return failed
    return ""


def tell_verdict(lesson: catalog.Lesson, answer: Path | None = None, seed: int | None = None) -> str:
    """Judge, print what was found, and return the name of the check that failed, if one did."""
    console = Console(highlight=False)
    with console.status("judging …"):
        verdict = exercises.judge(lesson, answer, seed)
    console.print(f"lesson {lesson.number} · {lesson.title} · exercise (seed {verdict.seed})", style="bold")
    if answer and not answers.is_whole(answer):
        console.print(
            f"{exercises.show(answer)} has no app, so it was judged as a change to our solution.", soft_wrap=True
        )
    for name, wrong in verdict.checks.items():
        console.print(Text("✗ " if wrong else "✓ ", style="red" if wrong else "green") + exercises.readable(name))
        if wrong:
            console.print(Text(indent(wrong, "    ")), "", sep="\n", soft_wrap=True)
    if not verdict.failed:
        console.print(f"All of it holds. To compare: lesson solution {lesson.number}")
    elif not answer:
        console.print(f"A hint, if you want one: lesson hint {lesson.number}")
    return verdict.failed


@main.command()
@click.argument("number")
def hint(number: str) -> None:
    """The next hint for what failed in lesson NUMBER."""
    parts = catalog.find_parts(number)
    click.echo(exercises.hint(next(filter(exercises.failed_last, parts), parts[0])))


@main.command()
@click.argument("number")
def watch(number: str) -> None:
    """Check again each time you save."""
    parts = catalog.find_parts(number)
    exercises.require_started(parts[0])
    from watchfiles import watch as changes

    judged = False
    try:
        # It yields nothing after 0.2 s; by then it watches, so that a save during the first look isn't missed.
        for saved in changes(exercises.folder(parts[0]), rust_timeout=200, yield_on_timeout=True):
            if saved:
                click.clear()
            if saved or not judged:
                tell_verdicts(parts)
                click.echo("Watching; Ctrl-C ends it.")
                judged = True
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)


@main.command()
@click.argument("number")
@click.option("--give-up", is_flag=True, help="Show it although your own answer doesn't hold yet.")
def solution(number: str, give_up: bool) -> None:
    """Show one good answer to the exercise of lesson NUMBER."""
    from rich.syntax import Syntax

    for file in [exercises.solution(part, give_up) for part in catalog.find_parts(number)]:
        Console().print(Syntax(file.read_text(), "python", background_color="default"))


@main.command()
@click.argument("number")
@click.argument("title")
def new(number: str, title: str) -> None:
    """Make a lesson from the template (for authors)."""
    from classroom.documents import new_lesson

    for file in new_lesson(number, title):
        click.echo(f"made {file.relative_to(catalog.COURSE)}")
    click.echo(f"Write it; then, for its transcripts and its picture: lesson docs {int(number):02}")


@main.command()
@click.argument("numbers", nargs=-1)
def docs(numbers: tuple[str, ...]) -> None:
    """Re-make transcripts and pictures (for authors)."""
    from classroom import documents

    try:
        for changed in documents.remake_all([catalog.find(number) for number in numbers] or catalog.lessons()):
            click.echo(changed)
    except ValueError as error:
        sys.exit(str(error))


@main.command()
@click.argument("profile", type=click.Choice(["embedded", "services"]))
def use(profile: str) -> None:
    """Choose where lessons run: embedded or services.

    embedded needs nothing but files. services needs three servers, and starts them where Docker can.
    """
    from classroom.profile import use

    use(profile)


@main.command()
def doctor() -> None:
    """Say what is missing, and how to mend it.

    Looks, and changes nothing. Ends with status 1 if lessons can't run on the profile selected.
    """
    from classroom.doctor import report

    sys.exit(report())
