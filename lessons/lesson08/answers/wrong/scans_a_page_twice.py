"""check_each_page_is_told_when_it_is_done: A page that can't be read is scanned again."""


@app.task(bind=True)
def scan_letter(self: Task, pages: list[str]) -> list[str]:
    texts: list[str] = []
    for number, page in enumerate(pages, start=1):
        try:
            texts.append(scan_page(page))
        except ValueError as error:
            try:
                texts.append(scan_page(page))
            except ValueError:
                raise Unreadable(number, str(error))  # Celery stores the state, the exception and its traceback
        meta = {"current": number, "total": len(pages), "message": f"{number} of {len(pages)} pages scanned"}
        self.update_state(state="PROGRESS", meta=meta)
    return texts
