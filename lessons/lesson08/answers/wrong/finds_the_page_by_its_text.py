"""check_each_page_is_told_when_it_is_done: It finds a page's number by the text, which two pages may share."""


@app.task(bind=True)
def scan_letter(self: Task, pages: list[str]) -> list[str]:
    texts: list[str] = []
    for page in pages:
        number = pages.index(page) + 1
        try:
            texts.append(scan_page(page))
        except ValueError as error:
            raise Unreadable(number, str(error))  # Celery stores the state, the exception and its traceback
        meta = {"current": number, "total": len(pages), "message": f"{number} of {len(pages)} pages scanned"}
        self.update_state(state="PROGRESS", meta=meta)
    return texts
