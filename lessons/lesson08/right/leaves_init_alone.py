"""Another good answer: no __init__ at all, and a finished list of steps."""

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
    page = property(lambda self: self.args[0])
    reason = property(lambda self: self.args[1])

    def __str__(self) -> str:
        return "page {}: {}".format(*self.args)


@app.task(bind=True)
def scan_letter(self: Task, pages: list[str]) -> list[str]:
    def tell(done: int) -> None:
        self.update_state(state="PROGRESS", meta=dict(current=done, total=len(pages), message=f"{done} done"))

    tell(0)
    texts: list[str] = []
    try:
        for page in pages:
            texts.append(scan_page(page))
            tell(len(texts))
    except ValueError as error:
        raise Unreadable(len(texts) + 1, *error.args) from None
    return texts
