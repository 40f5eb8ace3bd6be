"""check_other_exceptions_stay_what_they_are: An AttributeError is taken for an unreadable page as well."""


@app.task(bind=True)
def scan_letter(self: Task, pages: list[str]) -> list[str]:
    texts: list[str] = []
    for number, page in enumerate(pages, start=1):
        try:
            texts.append(scan_page(page))
        except (ValueError, AttributeError) as error:
            raise Unreadable(number, str(error))  # Celery stores the state, the exception and its traceback
        meta = {"current": number, "total": len(pages), "message": f"{number} of {len(pages)} pages scanned"}
        self.update_state(state="PROGRESS", meta=meta)
    return texts
