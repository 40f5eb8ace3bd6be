"""A heap holds the deadlines, and a task that has left is skipped when its deadline comes."""

from heapq import heappop, heappush


class Late:
    """Reports tasks that wait for more than `limit` seconds to be started."""

    def __init__(self, limit: float, report: Callable[[str, str, float], None]) -> None:
        self.limit = limit
        self.report = report
        self.deadlines: list[tuple[float, str, str]] = []
        self.gone: set[str] = set()

    def note(self, event: dict) -> None:
        """Take notice of one event, a dict with at least `type` and `timestamp` (in seconds)."""
        match event:
            case {"type": "task-sent", "uuid": uuid, "name": name, "eta": eta, "timestamp": sent}:
                since = datetime.fromisoformat(eta).timestamp() if eta else sent
                heappush(self.deadlines, (since + self.limit, uuid, name))
        while self.deadlines and self.deadlines[0][0] < event["timestamp"]:
            deadline, uuid, name = heappop(self.deadlines)
            if uuid not in self.gone:
                self.report(uuid, name, event["timestamp"] - deadline + self.limit)
        if event["type"].startswith("task-") and event["type"] not in ("task-sent", "task-received"):
            self.gone.add(event["uuid"])
