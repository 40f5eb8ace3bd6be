"""The command `lesson`: parse, call, print."""

import sys
from pathlib import Path

import click

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
    for lesson in catalog.lessons():
        click.echo(f"{lesson.number}  {lesson.title}")
    click.echo("\nStart with: lesson run 00")


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
