"""Celery's own State puts the events together, in whatever order they arrive."""


class Late:
    """Reports tasks that wait for more than `limit` seconds to be started."""

    def __init__(self, limit: float, report: Callable[[str, str, float], None]) -> None:
        self.limit = limit
        self.report = report
        self.state = app.events.State()
        self.reported: set[str] = set()
        self.now = 0.0

    def note(self, event: dict) -> None:
        """Take notice of one event, a dict with at least `type` and `timestamp` (in seconds)."""
        self.state.event(event)
        self.now = max(self.now, event["timestamp"])
        for uuid, task in self.state.tasks.items():
            if not task.sent or uuid in self.reported:
                continue
            since = datetime.fromisoformat(task.eta).timestamp() if task.eta else task.sent
            waited = (task.started or task.revoked or self.now) - since
            if waited > self.limit and not task.revoked:
                self.reported.add(uuid)
                self.report(uuid, task.name, waited)
