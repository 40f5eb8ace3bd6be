"""The command `lesson`: parse, call, print."""

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from classroom import catalog


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(context: click.Context) -> None:
    """Runnable lessons on Celery. Without a command: the list of lessons."""
    if not context.invoked_subcommand:
        context.invoke(list_)


@main.command("list")
def list_() -> None:
    """Which lessons there are."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for lesson in catalog.lessons():
        promise = lesson.promise.removeprefix("You will be able to ")
        table.add_row(lesson.number, Text(lesson.title, style="bold"), promise[0].upper() + promise[1:])
    Console(highlight=False).print(table, "", "Start with: lesson run 00", sep="\n")


@main.command()
@click.argument("number")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Save the timeline as a picture.")
@click.option("--logs", is_flag=True, help="Show the workers' logs beside the story.")
def run(number: str, svg: Path | None, logs: bool) -> None:
    """Run lesson NUMBER: its workers, its driver, its timeline."""
    lesson = catalog.find(number)
    if svg:
        refuse_unwritable(svg)
    from classroom.runs import run_lesson  # here: `lesson list` needs no Celery

    try:
        sys.exit(run_lesson(lesson, svg, logs))
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
@click.argument("title")
def new(number: str, title: str) -> None:
    """Make lesson NUMBER, called TITLE, from the template (for authors)."""
    from classroom.documents import new_lesson

    for file in new_lesson(number, title):
        click.echo(f"made {file.relative_to(catalog.COURSE)}")
    click.echo(f"Write it; then, for its transcripts and its picture: lesson docs {int(number):02}")


@main.command()
@click.argument("numbers", nargs=-1)
def docs(numbers: tuple[str, ...]) -> None:
    """Re-make transcripts, pictures and tables, of all lessons or of NUMBERS (for authors)."""
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
