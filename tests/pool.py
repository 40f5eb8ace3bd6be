"""Both profiles in one pool of test processes.

A lesson's app reads its settings once, when it is imported. So each process serves one profile: the pool gives it tests
of that profile only, a unit at a time: a file, or several that share what is expensive.
"""

import re
from collections import Counter
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

PROFILES = ("embedded", "services")
SHARE = 0.4  # of the processes are for services, which has about that share of the work

SHARED = {  # rows of files for which a lesson's processes are started once: one test process runs such a row
    "test_lesson13": ["contract gate input"],
    "test_lesson14": ["contract database events gate input races"],
    "test_lesson15": ["contract database events input page races", "gate outages reader"],
}


def unit(file: str) -> str:
    """What is handed out in one piece: a test file, or the row of files that it belongs to."""
    lesson, _, subject = Path(file).stem.rpartition("_")
    return next((f"{lesson} {row}" for row in SHARED.get(lesson, []) if subject in row.split()), file)


def chosen_for(config: pytest.Config) -> str:
    """The profile that this process serves; "both" in the process that only hands out the tests."""
    return getattr(config, "workerinput", {}).get("profile") or str(config.getoption("--profile"))


def profile_in(name: str) -> str:
    """The profile in a test's id, such as `test_it[@services-lesson05]`; "" in a run on one profile."""
    found = re.search(rf"@({'|'.join(PROFILES)})", name)
    return found[1] if found else ""


class Processes:
    """A plugin of the process that hands out the tests: it chooses the profile of each process that it starts."""

    def __init__(self, total: int) -> None:
        self.wanted = max(1, round(total * SHARE))
        self.running: Counter[str] = Counter()

    def pytest_configure_node(self, node: WorkerController) -> None:
        """A process that replaces one that crashed serves the same profile."""
        profile = "services" if self.running["services"] < self.wanted else "embedded"
        node.workerinput["profile"] = profile
        self.running[profile] += 1

    def pytest_testnodedown(self, node: WorkerController) -> None:
        self.running[node.workerinput["profile"]] -= 1


class Pool(LoadScopeScheduling):
    """Hands out units, and of a file about every lesson each lesson's part: one such file alone takes minutes."""

    def _split_scope(self, nodeid: str) -> str:
        parameters = nodeid.partition("[")[2]
        lesson = re.search(r"\blesson\d\d\b", parameters)
        return f"{unit(nodeid.partition('::')[0])} {lesson[0] if lesson else ''} @{profile_in(parameters)}"

    def schedule(self) -> None:
        """Put first the processes that have something to do: if there are more than units, xdist ends the last ones."""
        collections = list(self.registered_collections.values())
        needed = {profile_in(nodeid) for nodeid in collections[0]} if collections else set()
        place: Counter[str] = Counter()
        turns = {}
        for node in self.nodes:
            profile = node.workerinput.get("profile", "")
            turns[node] = (profile not in needed, place[profile])
            place[profile] += 1
        self.assigned_work = {node: self.assigned_work[node] for node in sorted(self.nodes, key=lambda one: turns[one])}
        super().schedule()

    def _assign_work_unit(self, node: WorkerController) -> None:
        """Give `node` the next units of its profile, or end it if none is left."""
        if node not in self.registered_collections:
            return  # it replaces one that crashed, and is scheduled when it has collected its tests
        profile = node.workerinput.get("profile", "")
        while not node.shutting_down:
            scope = next((scope for scope in self.workqueue if scope.endswith(f" @{profile}")), None)
            if scope is None:
                node.shutdown()
                return
            self.workqueue.move_to_end(scope, last=False)
            super()._assign_work_unit(node)
            if self._pending_of(self.assigned_work[node]) > 1:  # a process runs its last test only when it is to end
                return
