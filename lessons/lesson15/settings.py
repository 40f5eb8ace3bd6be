"""What the environment may change, and the bounds that hold everywhere."""

import os
from pathlib import Path

from global_config import LESSONS_HOME


def number(name: str, default: float, least: float = 0.0, most: float = 3600.0) -> float:
    """The number in the variable `name`; refuses with one sentence what isn't one from `least` to `most`."""
    text = os.environ.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise SystemExit(f"{name} is {text!r}, and must be a number from {least:g} to {most:g}.")
    return value


FILES = Path(LESSONS_HOME, "lesson15-files")  # one file for each document, named by the course and never by a caller

# What a file may cost.
MAX_BYTES = int(number("MAX_BYTES", 50_000_000, least=1, most=1e9))
MAX_PAGES = int(number("MAX_PAGES", 2000, least=1, most=1e6))
MAX_XML = 15_000_000  # bytes of one part of a DOCX, unpacked
MAX_PASSAGES = 20_000  # some 6 million characters, and 170 MB of database
READ_MEMORY = int(number("READ_MEMORY", 70_000_000, least=10e6, most=1e12))  # bytes by which the reader may grow
READ_SECONDS = number("READ_SECONDS", 7, least=0.1)  # of processor time that reading a file may take …
BYTE_SECONDS = 40e-6  # … and for each of its bytes; a PDF of words placed one by one needs a third of that
EXTRACT_SECONDS = int(number("EXTRACT_SECONDS", 300, least=1))
STAGE_SECONDS = 60  # for every other task

# How text is cut, and how much of it makes a task.
PASSAGE = 350  # characters
OVERLAP = 80  # characters at most that a passage repeats of the one before
BATCH = 200  # passages

EMBEDDER = os.environ.get("EMBEDDER") or "hashing"  # or the name of a model that fastembed knows
ANSWER_SECONDS = number("ANSWER_SECONDS", 10, least=0.1, most=60)  # that somebody waits for an answer

# A document that nobody has been heard of for so long is sent again: its message or its worker is lost.
LEASE_SECONDS = number("LEASE_SECONDS", 30, least=1)
LOOK_SECONDS = 1.0  # between two looks for such documents
TRIES = 3  # times that reading may be interrupted, by whatever ends processes, before a document has failed
KEEP_DAYS = number("KEEP_DAYS", 30, least=0, most=36500)
