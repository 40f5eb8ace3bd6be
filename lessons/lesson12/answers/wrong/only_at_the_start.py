"""check_what_never_starts_is_reported_too: It checks a task only at its start, so one that never starts is missed."""


class Late:
    """Reports tasks that wait for more than `limit` seconds to be started."""

    def __init__(self, limit: float, report: Callable[[str, str, float], None]) -> None:
        self.limit = limit
        self.report = report
        self.sent: dict[str, tuple[str, float]] = {}

    def note(self, event: dict) -> None:
        """Take notice of one event, a dict with at least `type` and `timestamp` (in seconds)."""
        if event["type"] == "task-sent":
            since = datetime.fromisoformat(event["eta"]).timestamp() if event["eta"] else event["timestamp"]
            self.sent[event["uuid"]] = event["name"], since
        if event["type"] == "task-started" and event["uuid"] in self.sent:
            name, since = self.sent.pop(event["uuid"])
            if event["timestamp"] - since > self.limit:
                self.report(event["uuid"], name, event["timestamp"] - since)
