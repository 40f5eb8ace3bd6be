"""check_steps_are_those_of_the_links: A chain's AsyncResult is that of its last link, so it has no children."""


def steps(receipt: AsyncResult) -> list[float]:
    """What each link of a sent chain gave, from the first to the last."""
    values = [receipt.get(timeout=10)]
    for child in receipt.children or []:
        values.append(child.get(timeout=10))
    return values
