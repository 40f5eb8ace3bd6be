"""check_arguments_arrive: The customer's number is sent as a text, and only the worker finds out."""


def send_letter(customer: int, language: str) -> AsyncResult:
    """Have a letter in this language sent to the customer."""
    return app.send_task("letter.send", args=[str(customer)], kwargs={"language": language})
