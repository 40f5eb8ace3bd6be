"""check_the_reason_arrives: Its args hold one text, which is taken apart at the wrong colon."""


class Unreadable(Exception):
    def __init__(self, page: int | str, reason: str | None = None) -> None:
        if reason is None:  # made again by the caller, from the text
            number, _, reason = str(page).removeprefix("page ").rpartition(": ")
            page = int(number)
        super().__init__(f"page {page}: {reason}")
        self.page, self.reason = page, reason
