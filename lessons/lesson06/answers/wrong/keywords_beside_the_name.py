"""check_arguments_arrive: The keyword is given to send_task() as an option of the call; the task's keywords belong in
`kwargs`.
"""


def send_letter(customer: int, language: str) -> AsyncResult:
    """Have a letter in this language sent to the customer."""
    return app.send_task("letter.send", args=[customer], language=language)
