"""Find words that the course avoids, and say what to write instead.

python tests/words.py FILE …              in all lines of these files
python tests/words.py --added FILE …      in the lines that the next commit adds to them
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

INSTEAD = {
    r"whoever|who never \w+": "anyone who, you; best: the worker, the caller",
    r"nobody|somebody": "the process that does it, or doesn't",
    r"for ever": "forever, indefinitely",
    r"all the same": "anyway, still",
    r"anew": "again",
    r"beforehand": "in advance",
    r"can't be had": "isn't available",
    r"as ever": "as usual",
    r"what became of": "its outcome, its result",
    r"(?:is|are|be) told of|hears? of|tells? of": "report, log, know about",
    r"(?:the|its|each with its) mend|to mend|mends": "fix",
    r"is to be found": "is",
    r"stand(?:s|ing)? in for": "replace, act as",
    r"in good order": "cleanly",
    r"bears": "tolerates, survives",
}
PATTERN = re.compile("|".join(rf"(\b(?:{words})\b)" for words in INSTEAD), re.IGNORECASE)


def found(lines: Iterator[tuple[str, int, str]]) -> Iterator[str]:
    """A line of output for each such word in `lines`, which are file names, line numbers and texts."""
    for file, number, text in lines:
        for match in PATTERN.finditer(text):
            advice = list(INSTEAD.values())[(match.lastindex or 1) - 1]
            yield f"{file}:{number}: {match[0]!r}; write: {advice}"


def whole(files: list[str]) -> Iterator[tuple[str, int, str]]:
    """All lines of the files."""
    for file in files:
        for number, text in enumerate(Path(file).read_text().splitlines(), start=1):
            yield file, number, text


def added(files: list[str]) -> Iterator[tuple[str, int, str]]:
    """The lines that are staged to be added."""
    if not files:
        return
    command = ["git", "diff", "--cached", "--unified=0", "--no-color", "--no-ext-diff", "--", *files]
    file, number = "", 0
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        if line.startswith("+++ "):
            file = line.removeprefix("+++ ").removeprefix("b/")
        elif match := re.match(r"@@ -\S+ \+(\d+)", line):
            number = int(match[1])
        elif line.startswith("+"):
            yield file, number, line[1:]
            number += 1


def main() -> int:
    parser = argparse.ArgumentParser(description="Find words that the course avoids.")
    parser.add_argument("--added", action="store_true", help="only in the lines that the next commit adds")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    own = [file for file in options.files if Path(file).name not in ("words.py", "test_words.py")]
    lines = list(found(added(own) if options.added else whole(own)))
    print(*lines, sep="\n", end="\n" if lines else "")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
