"""For authors: write transcripts and pictures into the READMEs, and make a new lesson."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from itertools import zip_longest
from pathlib import Path

from classroom import catalog
from classroom.catalog import Lesson, minutes
from classroom.readme import Block, CourseCopy, play, shape, steps
from classroom.refusal import Refusal
from classroom.use import servers_down

# The line below the title of a lesson's page.
ABOUT = re.compile(r"^\*About \d+ minutes · (?P<needs>needs .*?)(?: · next: .*)?\*$", re.MULTILINE)
SHOWN = 4  # lines of a transcript in the root README


def remake_all(lessons: list[Lesson]) -> Iterator[str]:
    """Re-make what runs print, in the READMEs of `lessons` and in the root's; yields a line for each thing done.

    Uses the embedded profile, and the services profile too if all three servers answer.
    """
    down = servers_down()
    for lesson in lessons:
        for profile in ("embedded",) if down else ("embedded", "services"):
            with tempfile.TemporaryDirectory() as folder:
                picture = lesson.folder / "timeline.svg" if profile == "embedded" else None
                changed = remake(
                    f"lessons/{lesson.name}/README.md", CourseCopy.copy(Path(folder), profile), profile, picture
                )
                yield f"{lesson.name} on {profile}: {'transcripts changed' if changed else 'as it was'}"
    if down:
        yield f"left out the services profile: {down}"
    with tempfile.TemporaryDirectory() as folder:
        commands = [step for step in steps((catalog.COURSE / "README.md").read_text()) if isinstance(step, Block)]
        skip = {typed for block in commands if block.language == "sh" for typed in block.typed}
        changed = remake("README.md", CourseCopy.copy(Path(folder), "embedded"), "embedded", skip=skip)
    write_about_lines()
    cog = [sys.executable, "-m", "cogapp", "-r", "README.md"]
    written = subprocess.run(cog, cwd=catalog.COURSE, capture_output=True, text=True)
    if written.returncode:
        raise ValueError(f"cog can't write README.md:\n{written.stderr}")
    yield f"README.md: {'changed' if changed or 'changed' in written.stdout else 'as it was'}"


def remake(
    readme: str, course: CourseCopy, profile: str, picture: Path | None = None, skip: Collection[str] = ()
) -> bool:
    """Write the outputs of this profile's console blocks into the file `readme`; returns whether any changed."""
    before = text = (catalog.COURSE / readme).read_text()
    for block, outputs in play(readme, course, profile, picture, skip):
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


def write_about_lines() -> None:
    """Write below each lesson's title how many minutes it takes, and which lesson is next; what it needs stays."""
    every = catalog.lessons()
    for lesson, following in zip_longest(every, every[1:]):
        page = lesson.folder / "README.md"
        next_ = f"next: [{following.number} {following.title}](../{following.name}/README.md)" if following else ""
        text = page.read_text()
        about = (f"About {minutes(lesson)} minutes", r"\g<needs>", next_)
        page.write_text(ABOUT.sub(f"*{' · '.join(filter(None, about))}*", text, count=1))


def table_of_lessons() -> str:
    """Return a Markdown table for the root README: each lesson's number, title with a link, minutes and promise."""
    lines = ["| | lesson | minutes | you will be able to |", "|---|---|---|---|"]
    for level, lessons in catalog.levels().items():
        lines.append(f"| | **{level}** | {sum(map(minutes, lessons))} | |")
        for lesson in lessons:
            promise = lesson.promise.removeprefix("You will be able to ").rstrip(".")
            link = f"[{lesson.title}](lessons/{lesson.name}/README.md)"
            lines.append(f"| {lesson.number} | {link} | {minutes(lesson)} | {promise} |")
    return "\n".join(lines)


def walkthrough() -> str:
    """Return a section per lesson for the root README: the idea, the command, and the first lines of its transcript."""
    return "\n\n".join(_section(lesson) for lesson in catalog.lessons())


def _section(lesson: Lesson) -> str:
    page = (lesson.folder / "README.md").read_text()
    idea = next(part for part in page.split("\n\n")[1:] if not part.startswith(("*About", "|", "```")))
    idea = re.sub(r"(\]\()(?!https?:|#)([^)]+)\)", rf"\1lessons/{lesson.name}/\2)", idea)
    idea = re.sub(r":$", ".", idea)  # what followed on the page isn't here
    typed = [command for step in steps(page) if isinstance(step, Block) for command in step.commands]
    story = next(told for command, told in typed if command == f"python -m {lesson.name}.call_tasks" and told)
    lines = story.splitlines()
    shown = "\n".join([*lines[:SHOWN], *(["…"] if len(lines) > SHOWN else [])])
    heading = f"### {lesson.number} · [{lesson.title}](lessons/{lesson.name}/README.md)"
    return f"{heading}\n\n{idea}\n\n```console\n$ lesson run {lesson.number}\n{shown}\n```"


def new_lesson(number: str, title: str) -> list[Path]:
    """Copy the template as lesson `number`; returns the files made. Refuses a number that is taken or isn't one."""
    if not number.isdecimal() or int(number) > 99:
        raise Refusal(f"{number!r} is no lesson number; the next is {len(catalog.lessons()):02}.")
    number = f"{int(number):02}"
    folder = catalog.LESSONS / f"lesson{number}"
    if folder.exists():
        raise Refusal(f"There is a lesson {number} already; the next number is {len(catalog.lessons()):02}.")
    made = []
    template = Path(__file__).parent / "template"
    for source in sorted(file for file in template.rglob("*") if file.is_file() and file.suffix != ".pyc"):
        name = str(source.relative_to(template)).replace("NN", number)
        file = catalog.COURSE / "tests" / name if name.startswith("test_") else folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source.read_text().replace("NN", number).replace("TITLE", title))
        made.append(file)
    write_about_lines()
    return made
