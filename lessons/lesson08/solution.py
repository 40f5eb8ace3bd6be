"""Exercise 08 · A scanner that says how far it is.

update_state() reports each page after it is scanned, and raising an exception is all that a failure needs. Unreadable
passes both arguments to super().__init__(), so the caller's process can rebuild it.
"""

from time import sleep

from celery import Celery, Task

from global_config import REDIS_BROKER_URL, REDIS_URL

app = Celery("exercise", broker=REDIS_BROKER_URL, backend=REDIS_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise08",
    control_exchange="exercise08",
)


def scan_page(page: str) -> str:
    # The machine, given: it takes its time. Nothing needs to be changed here.
    sleep(0.2)
    if page.startswith("!"):
        raise ValueError(page.removeprefix("!"))
    return page.upper()


class Unreadable(Exception):
    # What super().__init__ is given is all that travels; it is called again with these, in the caller's process.
    def __init__(self, page: int, reason: str) -> None:
        super().__init__(page, reason)
        self.page, self.reason = page, reason

    def __str__(self) -> str:
        return f"page {self.page}: {self.reason}"


@app.task(bind=True)
def scan_letter(self: Task, pages: list[str]) -> list[str]:
    texts: list[str] = []
    for number, page in enumerate(pages, start=1):
        try:
            texts.append(scan_page(page))
        except ValueError as error:
            raise Unreadable(number, str(error))  # Celery stores the state, the exception and its traceback
        meta = {"current": number, "total": len(pages), "message": f"{number} of {len(pages)} pages scanned"}
        self.update_state(state="PROGRESS", meta=meta)
    return texts
