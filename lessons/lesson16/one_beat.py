"""Lesson 16 · A beat that is the only one: python -m lesson16.one_beat LOCKFILE --schedule=…"""

import sys
from fcntl import LOCK_EX, LOCK_NB, flock

from lesson16.tasks import app

if __name__ == "__main__":
    with open(sys.argv[1], "w") as lock:
        try:
            flock(lock, LOCK_EX | LOCK_NB)  # held until this process ends, however it ends
        except BlockingIOError:
            sys.exit("A beat is at work already.")
        app.start(["beat", *sys.argv[2:]])
