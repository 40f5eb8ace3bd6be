"""check_a_page_that_cannot_be_read_is_a_failure: It returns the error as a dict, so the state is SUCCESS."""


@app.task(bind=True)
def scan_letter(self: Task, pages: list[str]) -> list[str] | dict:
    texts: list[str] = []
    for number, page in enumerate(pages, start=1):
        try:
            texts.append(scan_page(page))
        except ValueError as error:
            return {"page": number, "error": str(error)}
        meta = {"current": number, "total": len(pages), "message": f"{number} of {len(pages)} pages scanned"}
        self.update_state(state="PROGRESS", meta=meta)
    return texts
