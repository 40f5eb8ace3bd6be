"""What several of these tests need: to know which of the processes that they started still live."""

from collections.abc import Callable
from time import monotonic, sleep
from uuid import uuid4

import psutil
import pytest


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Marks whatever the test starts, and all its descendants, by a variable of the environment.

    Returns a function that names those still running, grandchildren and orphans included.
    """
    mark = str(uuid4())
    monkeypatch.setenv("STARTED_BY_TEST", mark)

    def look() -> list[str]:
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("STARTED_BY_TEST") == mark:
                    found.append(f"{process.pid} {' '.join(process.cmdline())}")
            except psutil.Error:  # it ended just now, or is somebody else's
                continue
        return found

    return look


@pytest.fixture
def gone(alive: Callable[[], list[str]]) -> Callable[[], bool]:
    """A function that waits until nothing that the test started is running.

    It waits for up to 30 seconds; what a test starts must not end without being ended for much longer than that.
    """

    def wait() -> bool:
        until = monotonic() + 30
        while left := alive():
            if monotonic() > until:
                pytest.fail(f"still running: {left}")
            sleep(0.05)
        return True

    return wait
