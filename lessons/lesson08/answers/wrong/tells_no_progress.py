"""check_progress_can_be_seen_while_it_works: It scans and returns, and reports nothing in between."""


@app.task(bind=True)
def scan_letter(self: Task, pages: list[str]) -> list[str]:
    texts: list[str] = []
    for number, page in enumerate(pages, start=1):
        try:
            texts.append(scan_page(page))
        except ValueError as error:
            raise Unreadable(number, str(error))  # Celery stores the state, the exception and its traceback
    return texts
