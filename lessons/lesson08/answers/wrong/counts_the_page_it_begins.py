"""check_each_page_is_told_when_it_is_done: It reports a page as done before the page is scanned."""


@app.task(bind=True)
def scan_letter(self: Task, pages: list[str]) -> list[str]:
    texts: list[str] = []
    for number, page in enumerate(pages, start=1):
        meta = {"current": number, "total": len(pages), "message": f"page {number} of {len(pages)}"}
        self.update_state(state="PROGRESS", meta=meta)
        try:
            texts.append(scan_page(page))
        except ValueError as error:
            raise Unreadable(number, str(error))  # Celery stores the state, the exception and its traceback
    return texts
