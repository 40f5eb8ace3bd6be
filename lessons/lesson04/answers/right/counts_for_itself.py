"""A table holds the waits, a retry is given a time, and the task decides when to give up."""

from datetime import UTC, datetime, timedelta

WAITS = (0.2, 0.4, 0.8)


@app.task(bind=True, max_retries=None)
def fetch(self: Task, product: str, down_for: int) -> str:
    run = self.request.retries
    try:
        return ask_server(product, run, down_for)
    except ConnectionError:
        if run == len(WAITS):
            raise
        raise self.retry(eta=datetime.now(UTC) + timedelta(seconds=WAITS[run]))
