"""What the system did while an exercise was judged: the questions that a check can ask."""

import ast
import os
from datetime import UTC, datetime

WAITS = "waits for a result"
ENDED = frozenset({"task-succeeded", "task-failed", "task-revoked", "task-rejected", "task-unknown"})


class Evidence:
    """What the system did while a block ran. A task is named by its function, or by its whole name."""

    def __init__(self) -> None:
        self.events: list[dict] = []
        self.here: list[str] = []  # tasks that ran in the caller's own process
        self.stored_here = 0  # results that the caller put into the result backend itself, as if a task had ended
        self.steps: list[str] = []  # of the caller: the task of each message that it sent, and WAITS

    def _of(self, task: str, kind: str = "") -> list[dict]:
        def is_message(event: dict) -> bool:
            return event["type"] == "task-sent" and task in (event["name"], event["name"].rpartition(".")[2])

        ids = {e["uuid"] for e in self.events if is_message(e)}
        ours = [e for e in self.events if e["uuid"] in ids and e["type"].endswith(kind)]
        return [e for e in ours if e["type"] != "task-sent" or is_message(e)]  # not of a task that this one replaced

    def sent(self, task: str) -> int:
        """How many messages of `task` were sent, retries not counted."""
        return len({e["uuid"] for e in self._of(task)})

    def names(self) -> list[str]:
        """The tasks in the order in which they began to run, by their full names."""
        named = {e["uuid"]: e["name"] for e in self.events if e["type"] == "task-sent"}
        return [named[e["uuid"]] for e in self.events if e["type"] == "task-started"]

    def ids(self, task: str) -> list[str]:
        """The ids of its messages, by time of sending: those that their receipts have, too."""
        return list(dict.fromkeys(e["uuid"] for e in self._of(task, "sent")))

    def runs(self, task: str) -> int:
        """How many times `task` was run, retries counted."""
        return len(self._of(task, "started"))

    def queues(self, task: str) -> list[str]:
        """The queues that messages of `task` were sent to, by time, retries not counted."""
        queues: dict[str, str] = {}
        for event in self._of(task, "sent"):
            queues.setdefault(event["uuid"], event["queue"])
        return list(queues.values())

    def workers(self, task: str) -> list[str]:
        """Which worker ran it, by time: the node name before the @."""
        return [e["hostname"].partition("@")[0] for e in self._of(task, "started")]

    def states(self, task: str) -> list[str]:
        """How each of its messages ended, by time: succeeded, failed, revoked, rejected."""
        ends: dict[str, str] = {}
        for event in self._of(task):
            if event["type"] in ENDED:
                ends.pop(event["uuid"], None)  # a hard time limit is told twice, and a swallowed retry runs again
                ends[event["uuid"]] = event["type"].removeprefix("task-")
        return list(ends.values())

    def countdowns(self, task: str) -> list[float]:
        """Seconds that each message of `task` is to wait, retries included, by time: from its sending to its eta.

        A busy machine sends a message late, so the figure may be smaller than the countdown, but it is never larger.
        """
        sent = [e for e in self._of(task, "sent") if e["eta"]]
        return [due(e) - e["timestamp"] for e in sent]

    def delays(self, task: str) -> list[float]:
        """Seconds from the sending of each of its messages to the start of its first run, by time of sending."""
        delays = []
        for uuid in dict.fromkeys(e["uuid"] for e in self._of(task)):
            sent, started = (
                [e["timestamp"] for e in self.events if e["uuid"] == uuid and e["type"] == kind]
                for kind in ("task-sent", "task-started")
            )
            delays += [started[0] - sent[0]] if started else []
        return delays

    def sent_before_waiting(self, task: str = "") -> int:
        """How many messages, or those of `task`, the caller had sent when it first waited for a result."""
        sent = self.steps[: self.steps.index(WAITS)] if WAITS in self.steps else self.steps
        return len([name for name in sent if task in ("", name, name.rpartition(".")[2])])

    def waits(self) -> int:
        """How often the caller has waited for a result so far."""
        return self.steps.count(WAITS)

    def messages(self) -> int:
        """How many messages were sent so far, retries counted."""
        return len([e for e in self.events if e["type"] == "task-sent"])

    def waits_longest(self) -> float:
        """Seconds from the last event to the latest eta of a message that no worker has begun; 0.0 without one."""
        now = max((e["timestamp"] for e in self.events), default=0.0)
        begun = {e["uuid"] for e in self.events if e["type"] == "task-started"}
        waiting = [e for e in self.events if e["type"] == "task-sent" and e["eta"] and e["uuid"] not in begun]
        return max([due(e) - now for e in waiting], default=0.0)

    def sent_here(self, task: str) -> int:
        """How many messages of `task` the caller's own process sent; callbacks are sent by workers."""
        return len({e["uuid"] for e in self._of(task, "sent") if e["pid"] == os.getpid()})

    def returned(self, task: str) -> list[object]:
        """What each message of `task` that succeeded returned, by time: plain data as it is, else its repr."""
        return [plain(e["result"]) for e in self._of(task, "succeeded")]

    def seconds(self) -> float:
        """From the first event to the last."""
        times = [e["timestamp"] for e in self.events]
        return max(times) - min(times) if times else 0.0


def due(event: dict) -> float:
    """The time of a message's eta; one without a zone is UTC to a worker, wherever it runs."""
    eta = datetime.fromisoformat(event["eta"])
    return (eta if eta.tzinfo else eta.replace(tzinfo=UTC)).timestamp()


def plain(text: str) -> object:
    """The value that a repr stands for, where it is plain data; otherwise the repr itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
