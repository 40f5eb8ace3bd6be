"""End what an answer has started: forked children, programs, daemons."""

import ctypes
import os
import sys
from collections.abc import Collection
from contextlib import suppress

import psutil

LINUX = sys.platform == "linux"
MARK = "LESSONS_JUDGE"  # names the judge in the environment of all that it starts
GUARD = os.path.join("classroom", "guard.py")  # how the path of its program ends
ROUNDS = 5  # of looking for what was started while we looked
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, in prctl(2)


def keep_in_sight() -> None:
    """Let orphans among our descendants become our own children, on Linux; elsewhere they are known by MARK."""
    os.environ[MARK] = str(os.getpid())
    adopt_orphans()


def adopt_orphans() -> None:
    """Let orphans among our descendants become our own children, on Linux."""
    if LINUX:
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def end_strays(ours: Collection[int] = ()) -> None:
    """Kill all our descendants but the children `ours` and what those have started."""
    me = psutil.Process()
    for _ in range(ROUNDS):
        found = families([child for child in me.children() if child.pid not in ours])
        if not (found := found if LINUX else [*found, *marked(me, ours)]):
            return
        kill(found)


def families(processes: list[psutil.Process]) -> list[psutil.Process]:
    """`processes` and all their descendants."""
    found = list(processes)
    for process in processes:
        with suppress(psutil.Error):
            found += process.children(recursive=True)
    return found


def marked(me: psutil.Process, ours: Collection[int]) -> list[psutil.Process]:
    """What has our mark in its environment, and isn't, nor descends from, one of `ours`."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it has just ended, or is somebody else's
            if process != me and process.environ().get(MARK) == str(me.pid):
                family = {process.pid, *(parent.pid for parent in process.parents())}
                found += [process] if family.isdisjoint(ours) else []
    return found


def kill(processes: Collection[psutil.Process]) -> None:
    """Kill all, and wait until they are gone."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=5)


def end_family(pid: int) -> None:
    """Suspend a judge that doesn't listen, and kill what its answer has started, for the caller to kill it as well.

    Its guards stay: once the judge is gone, they end the workers.
    """
    with suppress(psutil.Error):
        judge = psutil.Process(pid)
        judge.suspend()
        kill(families([child for child in judge.children() if not is_guard(child)]))


def is_guard(process: psutil.Process) -> bool:
    """Whether it is the process between a process of the course, perhaps of another clone, and a command."""
    try:
        return any(word.endswith(GUARD) for word in process.cmdline())
    except psutil.Error:
        return False
