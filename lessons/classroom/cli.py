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

from classroom import answers, catalog, exercises, progress
from classroom.explain import UNREADABLE
from classroom.refusal import Refusal


class Course(click.Group):
    """The command group, which prints a Refusal as a sentence."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except Refusal as refusal:
            sys.exit(str(refusal))


@click.group(cls=Course, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(context: click.Context) -> None:
    """Runnable lessons on Celery. Without a command: the list of lessons."""
    if not context.invoked_subcommand:
        context.invoke(list_)


@main.command("list")
def list_() -> None:
    """List the lessons, what you have solved, and what comes next."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for level, lessons in catalog.levels().items():
        table.add_row("", "", Text(level, style="dim"))
        for lesson in lessons:
            mark = {"solved": "✓", "begun": "…"}.get(progress.status(lesson), "")
            table.add_row(mark, lesson.number, Text(lesson.title, style="bold"), f"{catalog.minutes(lesson):3} min")
    Console(highlight=False).print(table, "", progress.summary(catalog.lessons()), sep="\n")


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("number")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Save the timeline as a picture.")
@click.option("--logs", is_flag=True, help="Show the workers' logs, too.")
def run(number: str, arguments: tuple[str, ...], svg: Path | None, logs: bool) -> None:
    """Run lesson NUMBER: its workers, its driver, its timeline.

    ARGUMENTS are the driver's, where it takes any.
    """
    lesson = catalog.find(number)
    if lesson.extra:
        from classroom.extras import refuse_missing  # here: most lessons need none

        refuse_missing(lesson)
    if svg:
        refuse_unwritable(svg)
    with told_when_stopped():
        from classroom.run import run_lesson  # here: `lesson list` needs no Celery

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
    """Raise a Refusal if `file` can't be written, before any work is done for it."""
    try:
        file.open("a").close()
    except OSError as error:
        raise Refusal(f"Can't write {file}: {error.strerror}. Name a file in a folder that you can write to.") from None


@main.command()
@click.argument("number")
@click.option("--again", is_flag=True, help="Start over; your previous answer is kept.")
def start(number: str, again: bool) -> None:
    """Begin the exercise of lesson NUMBER, in work/."""
    parts = catalog.find_parts(number)
    for part in [part for part in parts if again or not progress.state(part)] or parts:
        for line in exercises.start(part, again):
            click.echo(line)


@main.command()
@click.argument("number", required=False)
@click.option("--answer", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Judge another file.")
@click.option("--seed", type=int, help="Make the checks use the values they used with this seed.")
def check(number: str | None, answer: Path | None, seed: int | None) -> None:
    """Judge your exercise of lesson NUMBER, or all that you have begun.

    Where a lesson has incidents too, they come after it, up to the first that doesn't hold. One alone: 16/incident1.
    """
    if not number and answer:
        raise Refusal(f"Which exercise is it an answer to? For lesson 05: lesson check 05 --answer {answer}")
    parts = catalog.find_parts(number) if number else progress.begun(catalog.lessons())
    with told_when_stopped():
        if number:
            failed = [tell_verdicts(parts[:1] if answer else parts, answer, seed)]
        else:
            failed = [tell_verdict(part, seed=seed) for part in parts]
    sys.exit(1 if any(failed) else 0)


def tell_verdicts(parts: list[catalog.Lesson], answer: Path | None = None, seed: int | None = None) -> str:
    """Judge one part after another; returns the name of the first check that failed, which ends it, or ""."""
    for part, *left in (parts[place:] for place in range(len(parts))):
        if failed := tell_verdict(part, answer, seed):
            if left:
                click.echo(f"Not checked yet: {', '.join(one.number for one in left)}.")
                click.echo(f"To check one of them: lesson check {left[0].number}")
            return failed
    return ""


def tell_verdict(lesson: catalog.Lesson, answer: Path | None = None, seed: int | None = None) -> str:
    """Judge, print what was found, and return the name of the check that failed, if one did."""
    console = Console(highlight=False)
    with console.status("judging …"):
        verdict = exercises.judge(lesson, answer, seed)
    console.print(f"lesson {lesson.number} · {lesson.title} · exercise (seed {verdict.seed})", style="bold")
    if answer and answers.composed(lesson, answer):
        console.print(
            f"{catalog.show(answer)} has no app, so it was judged as a change to our solution.", soft_wrap=True
        )
    judged = exercises.judged(lesson)
    for name, wrong in verdict.checks.items():
        mark = Text("✗ " if wrong else "✓ ", style="red" if wrong else "green")
        points = ", ".join(map(str, judged.get(name, ())))
        demands = Text(f"  ({'points' if ',' in points else 'point'} {points})" if points else "", style="dim")
        console.print(mark + exercises.readable(name) + demands)
        if wrong:
            console.print(Text(indent(wrong, "    ")), "", sep="\n", soft_wrap=True)
    if not verdict.failed:
        console.print(f"All checks pass. Compare with our solution: lesson solution {lesson.number}")
    elif not answer and not verdict.checks[verdict.failed].startswith(UNREADABLE):
        console.print(f"For a hint: lesson hint {lesson.number}")
    return verdict.failed


@main.command()
@click.argument("number")
def hint(number: str) -> None:
    """The next hint for what failed in lesson NUMBER."""
    parts = catalog.find_parts(number)
    click.echo(exercises.hint(next(filter(progress.failed_last, parts), parts[0])))


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
        for saved in changes(progress.folder(parts[0]), rust_timeout=200, yield_on_timeout=True):
            if saved:
                click.clear()
            if saved or not judged:
                tell_verdicts(parts)
                click.echo("Watching for changes. To stop: Ctrl-C")
                judged = True
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)


@main.command()
@click.argument("number")
@click.argument("name", required=False)
@click.option("--give-up", is_flag=True, help="Show it before you have solved the exercise.")
def solution(number: str, name: str | None, give_up: bool) -> None:
    """Show our solution to the exercise of lesson NUMBER.

    It comes with the names of other good answers and of common mistakes. With a NAME, show how that one differs from
    the solution.
    """
    parts = catalog.find_parts(number)
    solved = exercises.solved(parts, give_up)
    if name:
        show_difference(*answers.find(solved, name))
        return
    for part in solved:
        show_solution(part, " --give-up" if give_up else "")
    for part in parts:
        if part not in solved:
            click.echo(f"{part.number} isn't solved yet. To see it anyway: lesson solution {part.number} --give-up")


def show_solution(lesson: catalog.Lesson, option: str) -> None:
    """Print why the solution is good, the solution, and the other answers there are; `option` is what to type too."""
    console = Console(highlight=False)
    console.print(f"lesson {lesson.number} · {lesson.title}", style="bold")
    console.print(answers.why(lesson), "", sep="\n", markup=False)
    print_code(console, answers.code(lesson.folder / "solution.py"), "python")
    for heading, others in ("Other good answers", answers.right(lesson)), ("Common mistakes", answers.wrong(lesson)):
        table = Table(box=None, show_header=False, pad_edge=False)
        for other in others:
            table.add_row(other.name, Text(other.sentence))
        console.print("", Text(heading, style="bold"), table, sep="\n")
    console.print(
        "", f"To see how one of them differs: lesson solution {lesson.number} NAME{option}", "", sep="\n", markup=False
    )


def show_difference(lesson: catalog.Lesson, answer: answers.Answer) -> None:
    """Print what is said about an answer, and how it differs from the solution."""
    console = Console(highlight=False)
    console.print(f"lesson {lesson.number} · {lesson.title} · {answer.name}", style="bold")
    if answer.check:
        console.print(Text("✗ ", style="red") + exercises.readable(answer.check))
    console.print(answer.sentence, "", sep="\n", markup=False)
    print_code(console, answers.difference(lesson, answer), "diff")


def print_code(console: Console, code: str, language: str) -> None:
    """Print code in colour, in those of the terminal, whose lines may be longer than it is wide."""
    from rich.syntax import Syntax

    console.print(Syntax("", language, theme="ansi_dark").highlight(code), soft_wrap=True, end="")


@main.command()
@click.argument("number")
@click.argument("title")
def new(number: str, title: str) -> None:
    """Make a lesson from the template (for authors)."""
    from classroom.authoring import new_lesson

    for file in new_lesson(number, title):
        click.echo(f"made {file.relative_to(catalog.COURSE)}")
    click.echo(f"Write it, and then create its transcripts and its picture: lesson docs {int(number):02}")


@main.command()
@click.argument("numbers", nargs=-1)
def docs(numbers: tuple[str, ...]) -> None:
    """Re-make transcripts and pictures (for authors)."""
    from classroom.authoring import remake_all

    try:
        for changed in remake_all([catalog.find(number) for number in numbers] or catalog.lessons()):
            click.echo(changed)
    except ValueError as error:
        raise Refusal(str(error)) from None


@main.command()
@click.argument("profile", type=click.Choice(["embedded", "services"]))
def use(profile: str) -> None:
    """Choose where lessons run: embedded or services.

    embedded needs nothing but files. services needs three servers, and starts them where Docker can.
    """
    from classroom.use import use

    use(profile)


@main.command()
def doctor() -> None:
    """Check your setup and show how to fix problems.

    Changes nothing. Exits with status 1 if lessons can't run on the selected profile.
    """
    from classroom.doctor import report

    sys.exit(report())


def help_text() -> str:
    """Return what `lesson --help` prints."""
    return main.get_help(click.Context(main, info_name="lesson", **main.context_settings))
