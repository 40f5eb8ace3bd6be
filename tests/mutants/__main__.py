"""Run the mutants: python -m mutants [LESSON …] [--seeds 1 2 3] [--jobs 6] [--list]"""

import argparse
import os
import sys
import tempfile
import tomllib
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path

EQUIVALENT = Path(__file__).with_name("equivalent.toml")


def main() -> int:
    """0 if every mutant is killed or listed as equivalent, and no harmless change fails."""
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument("lessons", nargs="*", help="numbers; all if there are none")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--jobs", type=int, default=3 * (os.cpu_count() or 1))
    parser.add_argument("--only", default="*", help="a pattern of mutants")
    parser.add_argument("--list", action="store_true", help="show the mutants, and judge none")
    parser.add_argument("--verbose", action="store_true", help="show who killed each, and what was said")
    options = parser.parse_args()
    os.environ["LESSONS_PROFILE"] = "embedded"
    from classroom import catalog, exercises
    from classroom.catalog import Lesson
    from classroom.refusal import Refusal
    from mutants.variants import Mutant, mutants, others

    every = [part for lesson in catalog.lessons() if lesson.has_exercise for part in lesson.parts]
    chosen = [lesson for lesson in every if not options.lessons or lesson.number in options.lessons]
    known = tomllib.loads(EQUIVALENT.read_text())
    numbers = {lesson: lesson.name.replace("/", "-") for lesson in chosen}
    bad = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:

        def judged(lesson: Lesson, mutant: Mutant, place: str) -> dict[int, tuple[str, str]]:
            file = Path(folder, f"{numbers[lesson]}-{place}.py")
            file.write_text(mutant.text)
            found = {}
            for seed in options.seeds:
                try:
                    verdict = exercises.judge(lesson, file, seed, first=True)
                    found[seed] = (verdict.failed, verdict.checks.get(verdict.failed, ""))
                except Refusal as refusal:
                    if not str(refusal).startswith("The answer"):  # then it is the judge that is broken
                        raise
                    found[seed] = ("the judge", str(refusal))
            return found

        def listed(lesson: Lesson, mutant: Mutant) -> str:
            reasons = known.get(numbers[lesson], {}) | known["every"]
            return next((why for pattern, why in reasons.items() if fits(mutant.id, pattern)), "")

        def fits(name: str, pattern: str) -> bool:
            return name == pattern or fnmatchcase(name, pattern.replace("[", "[[]"))

        for lesson in chosen:
            ours = [one for one in mutants(lesson) if fnmatchcase(one.id, options.only)]
            same = [one for one in others(lesson) if fnmatchcase(one.id, options.only)]
            equivalent = [one for one in ours if listed(lesson, one)]
            todo = [one for one in ours if not listed(lesson, one)]
            if options.list:
                for one in todo:
                    print(f"{lesson.name}  {one.id}")
                continue
            outcomes = [pool.submit(judged, lesson, one, f"mutant{n}") for n, one in enumerate(todo)]
            passes = [pool.submit(judged, lesson, one, f"same{n}") for n, one in enumerate(same)]
            killers: dict[str, int] = defaultdict(int)
            survivors = []
            for one, outcome in zip(todo, outcomes, strict=True):
                found = outcome.result()
                if missed := [seed for seed, (check, _) in found.items() if not check]:
                    survivors.append((one, missed))
                killers[found[options.seeds[0]][0]] += 1
                if options.verbose:
                    check, said = found[options.seeds[0]]
                    print(f"  {one.id}\n      {check}: {' / '.join(said.splitlines()[:3])[:300]}", flush=True)
            refused = [
                (one, failed)
                for one, outcome in zip(same, passes, strict=True)
                if (failed := [f"seed {seed}: {check}" for seed, (check, _) in outcome.result().items() if check])
            ]
            killed = len(todo) - len(survivors)
            print(
                f"{lesson.name}: {len(ours)} mutants, {killed} killed, {len(equivalent)} equivalent, "
                f"{len(survivors)} survive; {len(same) - len(refused)} of {len(same)} harmless changes pass",
                flush=True,
            )
            for one, missed in survivors:
                print(f"  SURVIVES {'on seeds ' + ', '.join(map(str, missed))}: {one.id}", flush=True)
            for one, failed in refused:
                print(f"  REFUSED  {'; '.join(failed)}: {one.id}", flush=True)
            bad += len(survivors) + len(refused)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
