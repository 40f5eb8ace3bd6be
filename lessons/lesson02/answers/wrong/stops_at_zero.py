"""check_steps_are_those_of_the_links: It stops at the first value that Python takes for false, and 0 is one."""


def steps(receipt: AsyncResult) -> list[float]:
    """What each link of a sent chain gave, from the first to the last."""
    values: list[float] = []
    link = receipt
    while link is not None and (value := link.get(timeout=10)):
        values.insert(0, value)
        link = link.parent
    return values
