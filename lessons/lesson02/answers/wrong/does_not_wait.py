"""check_steps_are_those_of_the_links: It reads `result` without waiting, when the links may not have run yet."""


def steps(receipt: AsyncResult) -> list[float]:
    """What each link of a sent chain gave, from the first to the last."""
    values: list[float] = []
    while receipt is not None:
        values.insert(0, receipt.result)
        receipt = receipt.parent
    return values
