"""check_the_reason_arrives: The exception keeps only one text in `args`, and its __init__ takes two arguments, so the
caller's process can't rebuild it.
"""


class Unreadable(Exception):
    # What super().__init__ is given is all that travels; it is called again with these, in the caller's process.
    def __init__(self, page: int, reason: str) -> None:
        super().__init__(f"page {page}: {reason}")
        self.page, self.reason = page, reason
