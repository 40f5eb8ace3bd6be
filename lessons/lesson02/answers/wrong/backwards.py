"""check_steps_are_those_of_the_links: `parent` leads from the last link to the first, and the order stays like that."""


def steps(receipt: AsyncResult) -> list[float]:
    """What each link of a sent chain gave, from the first to the last."""
    values: list[float] = []
    while receipt is not None:
        values.append(receipt.get(timeout=10))
        receipt = receipt.parent
    return values
