"""The chain is built from a list, and steps() fetches the values by the ids of the links."""


def to_celsius(fahrenheit: float) -> chain:
    """The three steps as one chain, not sent yet."""
    links = [subtract.s(fahrenheit, 32)]
    for task, number in (multiply, 5), (divide, 9):
        links.append(task.s(number))
    return chain(*links)


def steps(receipt: AsyncResult) -> list[float]:
    """What each link of a sent chain gave, from the first to the last."""
    receipt.get(timeout=10)  # once the last link has ended, all have
    ids = []
    while receipt:
        ids.append(receipt.id)
        receipt = receipt.parent
    return [AsyncResult(each, app=app).result for each in reversed(ids)]
