"""check_steps_are_those_of_the_links: It calculates the values again, instead of asking for the results."""


def steps(receipt: AsyncResult) -> list[float]:
    """What each link of a sent chain gave, from the first to the last."""
    celsius = receipt.get(timeout=10)
    return [celsius * 9 / 5, celsius * 9, celsius]
