"""check_a_failure_is_handed_over: The exception is caught, and the caller never learns about it."""


def morning(loaves: int, guests: int, seconds: float) -> list[tuple[str, object]]:
    """Have the workers bake, share and later sell; return for each its state, and its value or exception."""
    # Not sell.delay(loaves, countdown=seconds), because delay() passes everything it is given to the task.
    receipts = [bake.delay(loaves), share.delay(loaves, guests), sell.apply_async((loaves,), countdown=seconds)]
    answers: list[tuple[str, object]] = []
    for receipt in receipts:
        try:
            said = receipt.get(timeout=10)
        except Exception:
            said = None
        answers.append((receipt.state, said))
    return answers
