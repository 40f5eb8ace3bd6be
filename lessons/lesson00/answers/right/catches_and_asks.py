"""It sends the three calls in another order, and catches what get() raises."""


def morning(loaves: int, guests: int, seconds: float) -> list[tuple[str, object]]:
    """Have the workers bake, share and later sell; return for each its state, and its value or exception."""
    selling = sell.apply_async((loaves,), countdown=seconds)  # the order of sending doesn't matter
    baking = bake.apply_async(kwargs={"loaves": loaves})
    sharing = share.apply_async((loaves, guests))
    answers: list[tuple[str, object]] = []
    for receipt in (baking, sharing, selling):
        try:
            value = receipt.get(timeout=10)
        except Exception as error:
            value = error
        answers.append(("SUCCESS" if receipt.successful() else "FAILURE", value))
    return answers
