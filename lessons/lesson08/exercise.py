"""Exercise 08 · A scanner that says how far it is.

Thick letters are scanned by a worker, page by page. Whoever sent one watches, and has two wishes: to see how far it is,
and to learn what was wrong when a page can't be read. scan_page, which is the machine, is finished. What is missing:

1. scan_letter(pages) is a task. It scans the pages in their order, each once, and returns their texts, a list with one
   for each; of an empty letter, an empty list.
2. While it works, its state is PROGRESS. After each page, also after the last, it reports as meta: current, the number
   of pages done by then; total, how many there are; message, a sentence for people.
3. Where scan_page raises a ValueError of any kind, the task fails at that page with Unreadable(page, reason): page
   counts from 1, and reason is what the ValueError says. If you call get(), you catch an Unreadable with these two
   attributes, and str(error) reads like "page 3: too dark".
4. Any other exception says nothing about the page. The task fails with it as it is.
5. The state is then FAILURE, because the task failed, and not because it stored that word itself.
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
    # TODO: as it stands, the caller gets something else
    def __init__(self, page: int, reason: str) -> None:
        super().__init__(f"page {page}: {reason}")
        self.page, self.reason = page, reason


@app.task(bind=True)
def scan_letter(self: Task, pages: list[str]) -> list[str]:
    raise NotImplementedError("scan_letter() is yours to write")
