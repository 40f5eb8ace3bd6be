"""Lesson 08: exceptions of one's own. Between worker and caller they are JSON: a class's name, and its `args`."""


class OutOfPaper(Exception):
    def __init__(self, tray: str, missing: int) -> None:
        super().__init__(tray, missing)  # these become `args`: all that travels, and what it is made of again
        self.tray, self.missing = tray, missing


class OutOfInk(Exception):
    def __init__(self, colour: str, missing: int) -> None:
        super().__init__(f"{missing} ml of {colour}")  # one text, of which nobody can make two arguments again
