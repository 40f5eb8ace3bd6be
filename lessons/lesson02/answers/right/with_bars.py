"""The chain is written with `|`, and steps() calls itself for the links before the last one."""


def to_celsius(fahrenheit: float) -> chain:
    """The three steps as one chain, not sent yet."""
    return subtract.s(fahrenheit, 32) | multiply.s(5) | divide.s(9)


def steps(receipt: AsyncResult) -> list[float]:
    """What each link of a sent chain gave, from the first to the last."""
    before = steps(receipt.parent) if receipt.parent else []
    return [*before, receipt.get(timeout=10)]
