"""check_each_page_is_told_when_it_is_done: The list belongs to the module, so the next letter still has these texts."""

texts: list[str] = []


@app.task(bind=True)
def scan_letter(self: Task, pages: list[str]) -> list[str]:
    for number, page in enumerate(pages, start=1):
        try:
            texts.append(scan_page(page))
        except ValueError as error:
            raise Unreadable(number, str(error))  # Celery stores the state, the exception and its traceback
        meta = {"current": number, "total": len(pages), "message": f"{number} of {len(pages)} pages scanned"}
        self.update_state(state="PROGRESS", meta=meta)
    return texts
