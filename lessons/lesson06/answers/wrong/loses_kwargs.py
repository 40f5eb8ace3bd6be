"""check_arguments_arrive: The language isn't sent, so the worker uses its default."""


def send_letter(customer: int, language: str) -> AsyncResult:
    """Have a letter in this language sent to the customer."""
    return app.send_task("letter.send", args=[customer])
