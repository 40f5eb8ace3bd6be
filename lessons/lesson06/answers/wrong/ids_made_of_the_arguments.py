"""check_each_receipt_comes_at_once: The id is made of the arguments, so two equal calls share a result."""


def send_letter(customer: int, language: str) -> AsyncResult:
    """Have a letter in this language sent to the customer."""
    return app.send_task(
        "letter.send", args=[customer], kwargs={"language": language}, task_id=f"letter-{customer}-{language}"
    )
