"""Which lessons exist: a folder lessonNN under lessons/ is a lesson. None is imported here."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from classroom.refusal import Refusal

COURSE = Path(__file__).resolve().parents[2]
LESSONS = COURSE / "lessons"
WORKER = {"worker": "celery -A exercise worker --loglevel=info"}  # what an exercise needs that has no Procfile

# Levels by their names: the number of the last lesson of each.
LEVELS = {"Basics": 6, "Practice": 12, "Applications to borrow from": 15, "Mastery": 99}
WORDS, LINES = 200, 60  # of a page and of code that a reader reads in a minute


@dataclass(frozen=True, order=True)
class Lesson:
    """One lesson, or an incident inside of one, known by its folder."""

    folder: Path

    @property
    def name(self) -> str:
        """The package's name: lesson02; of an incident: lesson16/incident1."""
        return self.folder.name if self.folder.name.startswith("lesson") else "/".join(self.folder.parts[-2:])

    @property
    def number(self) -> str:
        """Its number as typed: 02; of an incident: 16/incident1."""
        return self.name.removeprefix("lesson")

    @property
    def title(self) -> str:
        """First line of the package's docstring, without the full stop."""
        return self._docstring.partition("\n")[0].rstrip(".")

    @property
    def promise(self) -> str:
        """What one will be able to do: the rest of the docstring, on one line."""
        return " ".join(self._docstring.partition("\n")[2].split())

    @property
    def parts(self) -> list["Lesson"]:
        """What there is to solve: its exercise, and the incidents inside of it; most lessons have none."""
        return [self, *sorted(Lesson(file.parent) for file in self.folder.glob("incident*/exercise.py"))]

    @property
    def has_exercise(self) -> bool:
        """Whether it has an exercise; the applications have none."""
        return (self.folder / "exercise.py").exists()

    @property
    def exercise_procfile(self) -> str:
        """The text of the Procfile that comes with the exercise."""
        given = self.folder / "Procfile.exercise"
        return given.read_text() if given.exists() else "".join(f"{name}: {line}\n" for name, line in WORKER.items())

    @property
    def _docstring(self) -> str:
        package = self.folder / "__init__.py"
        file = package if package.exists() else self.folder / "exercise.py"
        return ast.get_docstring(ast.parse(file.read_text())) or ""

    @property
    def processes(self) -> dict[str, str]:
        """Name and command of each process it needs running (see `procfile`)."""
        return procfile(self.folder / "Procfile")

    @property
    def extra(self) -> str:
        """The extra of pyproject.toml that it needs: what its Procfile says after `# extra:`, or ""."""
        found = re.search(r"^# extra: (\S+)$", read(self.folder / "Procfile"), re.MULTILINE)
        return found[1] if found else ""


def levels() -> dict[str, list[Lesson]]:
    """Return the lessons of each level, by the level's name, in order."""
    found: dict[str, list[Lesson]] = {}
    for lesson in lessons():
        level = next(name for name, last in LEVELS.items() if int(lesson.number) <= last)
        found.setdefault(level, []).append(lesson)
    return found


def minutes(lesson: Lesson) -> int:
    """Return how long a reader needs for a lesson's page and its files, in minutes; its exercise not included."""
    page = read(lesson.folder / "README.md").partition("## Exercise")[0]
    code = sum(read(lesson.folder / name).count("\n") for name in ("tasks.py", "call_tasks.py"))
    return max(2, round(len(page.split()) / WORDS + code / LINES))


def lessons() -> list[Lesson]:
    """All lessons, by number."""
    folders = (file.parent for file in LESSONS.glob("lesson*/__init__.py"))
    return sorted(Lesson(folder) for folder in folders if re.fullmatch(r"lesson\d\d", folder.name))


def find(number: str) -> Lesson:
    """The lesson typed as 2, 02 or lesson02; refuses what isn't there by naming what is."""
    digits = number.removeprefix("lesson")
    for lesson in lessons():
        if digits.isdecimal() and int(digits) == int(lesson.number):
            return lesson
    there = [lesson.number for lesson in lessons()]
    raise Refusal(f"There is no lesson {number!r}; there are {there[0]} to {there[-1]}. See: lesson list")


def find_parts(number: str) -> list[Lesson]:
    """What a lesson has to solve, by its number, or one incident of it, typed as 16/incident1."""
    digits, _, incident = number.partition("/")
    lesson = find(digits)
    if found := [part for part in lesson.parts if not incident or part.folder.name == incident]:
        return found
    raise Refusal(f"Lesson {lesson.number} has no {incident!r}. What it has: lesson start {lesson.number}")


def procfile(file: Path) -> dict[str, str]:
    """Name and command of each line `name: command`; refuses a line that is neither that, a comment nor blank."""
    commands: dict[str, str] = {}
    for number, line in enumerate(read(file).splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"([\w-]+):\s*(\S.*)", line)
        if not match or match[1] in commands:
            why = "names a process twice" if match else "isn't of the form «name: command»"
            raise Refusal(f"{file}, line {number}, {why}: {line!r}. To get it back: git restore {file}")
        commands[match[1]] = match[2].rstrip()
    if not commands:
        raise Refusal(f"{file} names no process. To get it back: git restore {file}")
    return commands


def show(file: Path) -> str:
    """The path to type for `file` in the course's folder."""
    return str(file.relative_to(COURSE)) if file.is_relative_to(COURSE) else str(file)


def read(file: Path) -> str:
    """The text of a file of the course; refuses one that can't be read."""
    try:
        return file.read_text()
    except OSError as error:
        raise Refusal(f"Can't read {file}: {error.strerror}. To get it back: git restore {file}") from None
