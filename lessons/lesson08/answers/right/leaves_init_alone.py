"""Unreadable has no __init__ and reads `args`, and progress is also reported before the first page."""


class Unreadable(Exception):
    page = property(lambda self: self.args[0])
    reason = property(lambda self: self.args[1])

    def __str__(self) -> str:
        return "page {}: {}".format(*self.args)


@app.task(bind=True)
def scan_letter(self: Task, pages: list[str]) -> list[str]:
    def tell(done: int) -> None:
        self.update_state(state="PROGRESS", meta=dict(current=done, total=len(pages), message=f"{done} done"))

    tell(0)
    texts: list[str] = []
    try:
        for page in pages:
            texts.append(scan_page(page))
            tell(len(texts))
    except ValueError as error:
        raise Unreadable(len(texts) + 1, *error.args) from None
    return texts
