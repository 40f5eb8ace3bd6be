"""check_arguments_arrive: The result of a letter is ignored too, although the mail room keeps it."""


def send_letter(customer: int, language: str) -> AsyncResult:
    """Have a letter in this language sent to the customer."""
    return app.send_task("letter.send", args=[customer], kwargs={"language": language}, ignore_result=True)
