"""check_each_receipt_comes_at_once: It waits for the sentence before it returns, and so does the shop's customer."""


def send_letter(customer: int, language: str) -> AsyncResult:
    """Have a letter in this language sent to the customer."""
    receipt = app.send_task("letter.send", args=[customer], kwargs={"language": language})
    receipt.get(timeout=10)
    return receipt
