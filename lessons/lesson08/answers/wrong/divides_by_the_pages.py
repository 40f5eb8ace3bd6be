"""check_each_page_is_told_when_it_is_done: A letter without pages ends in a ZeroDivisionError."""


@app.task(bind=True)
def scan_letter(self: Task, pages: list[str]) -> list[str]:
    texts: list[str] = []
    share = 100 / len(pages)
    for number, page in enumerate(pages, start=1):
        try:
            texts.append(scan_page(page))
        except ValueError as error:
            raise Unreadable(number, str(error))  # Celery stores the state, the exception and its traceback
        meta = {"current": number, "total": len(pages), "message": f"{number * share:.0f} % scanned"}
        self.update_state(state="PROGRESS", meta=meta)
    return texts
