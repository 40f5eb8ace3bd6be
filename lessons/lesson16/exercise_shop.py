"""The shop of exercise 16 and its incidents, its bank, and its bad luck. Nothing here is yours to change.

Everything is kept in files, in LESSONS_HOME. A file trouble-… is bad luck to come; it strikes once.
"""

import os
import signal
import sys
from pathlib import Path
from time import sleep
from urllib.parse import quote
from zlib import crc32

import psutil
from celery import Celery

from global_config import LESSONS_HOME, RABBITMQ_URL


class NoAnswer(Exception):
    """The bank was asked, and hasn't answered: it may have charged the card or not."""


def charge(order: str, amount: int, key: str | None = None) -> None:
    """Charge the customer's card. Banks can be told a key, and charge only once for each; NoAnswer may be raised."""
    strike(order, "before")
    if key is None or first(f"bank {key}"):
        note("charges", order, amount)
    strike(order, "after")


def post(order: str, seconds: float) -> None:
    """Send the customer a letter, which takes its time; what is posted is on its way."""
    sleep(seconds)
    note("letters", order, 1)


def picture(name: str) -> bytes:
    """A picture of about 15 MB; each name has a size of its own."""
    note("memory", str(os.getpid()), psutil.Process().memory_info().rss)
    return b"%" * size(name)


def size(name: str) -> int:
    """How many bytes a picture has."""
    return 15_000_000 + 1000 * (crc32(name.encode()) % 100_000 // 100)


def first(what: str) -> bool:
    """Whether nobody has said this before: of all processes that ask, one is told True, and only once."""
    try:
        Path(LESSONS_HOME, f"said-{quote(what, safe='')}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def require_worker(app: Celery) -> None:
    """End the program with a sentence where no worker answers."""
    if not app.control.ping(limit=1, timeout=3):
        sys.exit("No worker answers. In another terminal, in this folder: celery -A exercise worker --loglevel=info")


def note(book: str, about: str, number: int) -> None:
    with Path(LESSONS_HOME, f"{book}-{about}").open("a") as page:
        page.write(f"{number}\n")


def noted(book: str, about: str = "*") -> list[list[int]]:
    """What was noted about each, in its order."""
    return [[int(line) for line in page.read_text().split()] for page in LESSONS_HOME.glob(f"{book}-{about}")]


def trouble(order: str, what: str) -> None:
    """Let this strike, once: "slow before", or "killed", "worker killed" or "no answer" before the charge or after.

    "again no answer" before or after strikes after "no answer" has.
    """
    Path(LESSONS_HOME, f"trouble-{order}-{what}").touch()


def unlucky(order: str, what: str) -> bool:
    try:
        Path(LESSONS_HOME, f"trouble-{order}-{what}").unlink()
    except FileNotFoundError:
        return False
    return True


def strike(order: str, moment: str) -> None:
    if unlucky(order, f"slow {moment}"):
        sleep(0.8)
    if unlucky(order, f"no answer {moment}") or unlucky(order, f"again no answer {moment}"):
        raise NoAnswer("the bank hasn't answered in time")
    if unlucky(order, f"killed {moment}"):
        sleep(0.3)  # who dies at once may be gone before the worker has heard that the task was begun
        os.kill(os.getpid(), signal.SIGKILL)
    if unlucky(order, f"worker killed {moment}"):
        sleep(0.3)
        if RABBITMQ_URL.startswith("filesystem"):  # files forget what a killed worker held: it is told to go, at once
            os.kill(os.getppid(), signal.SIGQUIT)
            sleep(60)
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
