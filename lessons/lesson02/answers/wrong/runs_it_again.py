"""check_steps_are_those_of_the_links: It sends the same tasks again to see what they return."""


def steps(receipt: AsyncResult) -> list[float]:
    """What each link of a sent chain gave, from the first to the last."""
    receipt.get(timeout=10)
    first = receipt.parent.parent
    x, y = first.args
    values = [subtract.delay(x, y).get(timeout=10)]
    values.append(multiply.delay(values[0], 5).get(timeout=10))
    values.append(divide.delay(values[1], 9).get(timeout=10))
    return values
