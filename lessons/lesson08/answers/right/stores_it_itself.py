"""The task isn't bound: it asks current_task for its id, and stores more in meta than was asked for."""

from celery import current_task


@app.task
def scan_letter(pages: list[str]) -> list[str]:
    texts: list[str] = []
    for number, page in enumerate(pages, start=1):
        try:
            texts.append(scan_page(page))
        except ValueError as error:
            raise Unreadable(number, str(error))  # Celery stores the state, the exception and its traceback
        meta = {"current": number, "total": len(pages), "message": "scanning", "percent": 100 * number / len(pages)}
        app.backend.store_result(current_task.request.id, meta, "PROGRESS")
    return texts
