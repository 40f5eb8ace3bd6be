"""check_a_countdown_is_no_waiting: It stops at the first task that isn't late, though others behind it are."""


class Late:
    """Reports tasks that wait for more than `limit` seconds to be started."""

    def __init__(self, limit: float, report: Callable[[str, str, float], None]) -> None:
        self.limit = limit
        self.report = report
        self.waiting: dict[str, tuple[str, float]] = {}  # uuid → name, and since when
        self.over: set[str] = set()  # those that wait no longer, or have been reported

    def note(self, event: dict) -> None:
        """Take notice of one event, a dict with at least `type` and `timestamp` (in seconds)."""
        uuid, now = event.get("uuid", ""), event["timestamp"]
        if event["type"] == "task-sent" and uuid not in self.over:
            since = datetime.fromisoformat(event["eta"]).timestamp() if event["eta"] else now
            self.waiting[uuid] = event["name"], since
        for late, (name, since) in list(self.waiting.items()):
            if now - since <= self.limit:
                break
            self.report(late, name, now - since)
            self.leave(late)
        if event["type"] in ("task-started", "task-revoked"):
            self.leave(uuid)

    def leave(self, uuid: str) -> None:
        self.waiting.pop(uuid, None)
        self.over.add(uuid)
