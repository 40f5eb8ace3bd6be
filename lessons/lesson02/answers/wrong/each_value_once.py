"""check_steps_are_those_of_the_links: A dictionary keeps equal values once, but each link has a value of its own."""


def steps(receipt: AsyncResult) -> list[float]:
    """What each link of a sent chain gave, from the first to the last."""
    values: dict[float, AsyncResult] = {}
    while receipt is not None:
        values[receipt.get(timeout=10)] = receipt
        receipt = receipt.parent
    return list(values)[::-1]
