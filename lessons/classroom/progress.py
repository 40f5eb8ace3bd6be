"""How far the learner is: what was solved, which check failed last, which hints were opened."""

import json
from pathlib import Path

from classroom import catalog
from classroom.catalog import Lesson
from classroom.refusal import Refusal

WORK = catalog.COURSE / "work"
PROGRESS = WORK / "progress.json"


def folder(lesson: Lesson) -> Path:
    """The learner's folder for this exercise: a file work/lesson05.py would shadow the package."""
    return WORK / lesson.name


def status(lesson: Lesson) -> str:
    """How far the learner is with all that a lesson has to solve: "solved", "begun", or "" for neither."""
    states = {state(part) for part in lesson.parts}
    return states.pop() if len(states) == 1 else "begun"


def failed_last(lesson: Lesson) -> str:
    """The check that failed when this exercise was judged last; "" if none did."""
    return str(recall().get(lesson.number, {}).get("failed", ""))


def state(lesson: Lesson) -> str:
    """How far the learner is with this exercise or incident alone, as in `status`."""
    if recall().get(lesson.number, {}).get("solved"):
        return "solved"
    return "begun" if (folder(lesson) / "exercise.py").exists() else ""


def begun(lessons: list[Lesson]) -> list[Lesson]:
    """Every exercise and incident that has an answer in work/; refuses if there is none."""
    parts = [part for lesson in lessons for part in lesson.parts]
    if found := [part for part in parts if (folder(part) / "exercise.py").exists()]:
        return found
    raise Refusal("There is no exercise in work/ yet. Start the first one: lesson start 00")


def summary(lessons: list[Lesson]) -> str:
    """Return how many exercises are solved, how much there is left to read, and what to type next."""
    exercises = [lesson for lesson in lessons if lesson.has_exercise]
    left = [lesson for lesson in exercises if status(lesson) != "solved"]
    solved = f"{len(exercises) - len(left)} of {len(exercises)} exercises solved"
    reading = f", {sum(map(catalog.minutes, left))} minutes of reading left" if left else ""
    return f"{solved}{reading}.\n{next_step(lessons)}"


def next_step(lessons: list[Lesson]) -> str:
    """What to type next: go on with what is begun, or take the first lesson whose exercise isn't solved."""
    for lesson in lessons:
        match lesson.has_exercise and status(lesson):
            case "begun":
                return f"Next: lesson check {lesson.number} (your answer is in {catalog.show(folder(lesson))}/)"
            case "":
                return f"Next: lesson run {lesson.number}, and then its exercise: lesson start {lesson.number}"
    return "Every exercise is solved."


def recall() -> dict[str, dict]:
    """What is remembered, by a lesson's number: solved, the check that failed, hints opened."""
    try:
        return dict(json.loads(PROGRESS.read_text()))
    except (OSError, ValueError):  # nothing yet, or no longer readable: nothing is lost but the ticks
        return {}


def remember(lesson: Lesson, **what: object) -> None:
    """Change what is remembered of `lesson`."""
    every = recall()
    before = every.get(lesson.number, {"solved": False, "failed": "", "hints": {}})
    every[lesson.number] = {**before, **what}
    WORK.mkdir(exist_ok=True)
    unfinished = PROGRESS.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(every, indent=2))
    unfinished.replace(PROGRESS)
