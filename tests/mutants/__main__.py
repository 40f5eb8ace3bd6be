"""Run the mutants: python -m tests.mutants [NUMBER …] [--seeds 1 2 3] [--jobs 6] [--list] [--verbose]"""

import argparse
import os
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from classroom import catalog, exercises
from classroom.catalog import Lesson
from classroom.refusal import Refusal
from tests.mutants.variants import Mutant, mutants, others

EQUIVALENT = Path(__file__).with_name("equivalent.toml")


@dataclass
class Outcome:
    """What the judge said of one mutant: by seed, the check that failed ("" if all passed) and its text."""

    mutant: Mutant
    checks: dict[int, str] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)

    @property
    def passed(self) -> list[int]:
        """The seeds with which it passed all checks."""
        return [seed for seed, check in self.checks.items() if not check]

    @property
    def failed(self) -> list[int]:
        """The seeds with which a check failed."""
        return [seed for seed, check in self.checks.items() if check]


def main() -> int:
    """Return 0 if every mutant is killed or listed as equivalent, and no harmless change is refused."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__.partition(":")[0])
    parser.add_argument("numbers", nargs="*", help="exercises such as 05 or 16/incident1; all if there are none")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--jobs", type=int, default=3 * (os.cpu_count() or 1), help="how many are judged at a time")
    parser.add_argument("--only", default="*", help="a pattern for the mutants' names")
    parser.add_argument("--list", action="store_true", help="print the mutants, and judge none")
    parser.add_argument("--verbose", action="store_true", help="print which check killed each, and what it said")
    options = parser.parse_args()
    chosen = [
        part
        for lesson in catalog.lessons()
        if lesson.has_exercise
        for part in lesson.parts
        if part.number in (options.numbers or [part.number])
    ]
    if options.list:
        for lesson in chosen:
            for mutant in mutants(lesson):
                print(f"{lesson.name}{' (equivalent)' if reason(lesson, mutant) else ''}  {mutant.id}")
        return 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:

        def judge_all(lesson: Lesson, chosen: Iterable[Mutant]) -> list[Outcome]:
            asked = [
                pool.submit(judge, lesson, mutant, Path(folder, f"{table(lesson)}-{number}.py"), options.seeds)
                for number, mutant in enumerate(chosen)
            ]
            return [one.result() for one in asked]

        reports = [report(lesson, judge_all, options.only, options.verbose) for lesson in chosen]
    return 0 if all(reports) else 1


def report(
    lesson: Lesson, judge_all: Callable[[Lesson, Iterable[Mutant]], list[Outcome]], only: str, verbose: bool
) -> bool:
    """Judge an exercise's mutants and print what was found; return whether it is as it should be."""
    made = [one for one in mutants(lesson) if fnmatchcase(one.id, only)]
    outcomes = judge_all(lesson, [one for one in made if not reason(lesson, one)])
    harmless = judge_all(lesson, [one for one in others(lesson) if fnmatchcase(one.id, only)])
    survivors = [one for one in outcomes if one.passed]
    refused = [one for one in harmless if one.failed]
    print(
        f"{lesson.name}: {len(made)} mutants, {len(outcomes) - len(survivors)} killed, "
        f"{len(made) - len(outcomes)} equivalent, {len(survivors)} survive; "
        f"{len(harmless) - len(refused)} of {len(harmless)} harmless changes pass",
        flush=True,
    )
    for one in outcomes if verbose else ():
        for seed in one.failed[:1]:
            print(f"  {one.mutant.id}\n      {one.checks[seed]}: {' / '.join(one.texts[seed].splitlines()[:4])[:300]}")
    for one in survivors:
        print(f"  SURVIVES on seeds {one.passed}: {one.mutant.id}", flush=True)
    for one in refused:
        seed = one.failed[0]
        print(f"  REFUSED on seeds {one.failed}, {one.checks[seed]}: {one.mutant.id}\n{one.texts[seed]}", flush=True)
    return not survivors and not refused


def judge(lesson: Lesson, mutant: Mutant, file: Path, seeds: list[int]) -> Outcome:
    """Have a mutant judged, up to the first check that fails, with each seed."""
    file.write_text(mutant.text)
    outcome = Outcome(mutant)
    for seed in seeds:
        try:
            verdict = exercises.judge(lesson, file, seed, first=True)
            outcome.checks[seed] = verdict.failed
            outcome.texts[seed] = verdict.checks.get(verdict.failed, "")
        except Refusal as refusal:
            if not str(refusal).startswith("The answer"):  # then the judge is broken, and not the mutant
                raise
            outcome.checks[seed], outcome.texts[seed] = "the judge itself", str(refusal)
    return outcome


def reason(lesson: Lesson, mutant: Mutant) -> str:
    """Return why a mutant is equivalent to the solution, as equivalent.toml has it; "" if it isn't listed there."""
    listed = {**equivalents()["every"], **equivalents().get(table(lesson), {})}
    return next((why for pattern, why in listed.items() if fits(mutant.id, pattern)), "")


@cache
def equivalents() -> dict[str, dict[str, str]]:
    """Return the tables of equivalent.toml: a pattern for mutants' names, and why they make no difference."""
    return tomllib.loads(EQUIVALENT.read_text())


def table(lesson: Lesson) -> str:
    """Return the name of an exercise's table in equivalent.toml: lesson05, lesson16-incident1."""
    return lesson.name.replace("/", "-")


def fits(name: str, pattern: str) -> bool:
    """Return whether a pattern, in which only * is special, fits a mutant's name."""
    return name == pattern or fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]"))


if __name__ == "__main__":
    os.environ["LESSONS_PROFILE"] = "embedded"
    sys.exit(main())
