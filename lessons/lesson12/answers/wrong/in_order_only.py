"""check_events_in_the_wrong_order: If a task's start arrives before its task-sent, the task seems to wait forever."""


class Late:
    """Reports tasks that wait for more than `limit` seconds to be started."""

    def __init__(self, limit: float, report: Callable[[str, str, float], None]) -> None:
        self.limit = limit
        self.report = report
        self.waiting: dict[str, tuple[str, float]] = {}  # uuid → name, and since when

    def note(self, event: dict) -> None:
        """Take notice of one event, a dict with at least `type` and `timestamp` (in seconds)."""
        uuid, now = event.get("uuid", ""), event["timestamp"]
        if event["type"] == "task-sent":
            since = datetime.fromisoformat(event["eta"]).timestamp() if event["eta"] else now
            self.waiting[uuid] = event["name"], since
        for late, (name, since) in list(self.waiting.items()):
            if now - since > self.limit:
                self.report(late, name, now - since)
                del self.waiting[late]
        if event["type"] in ("task-started", "task-revoked"):
            self.waiting.pop(uuid, None)
