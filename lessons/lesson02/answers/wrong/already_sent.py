"""check_nothing_is_sent_yet: It sends the chain and returns an AsyncResult, but sending is up to the caller."""


def to_celsius(fahrenheit: float) -> AsyncResult:
    """The three steps as one chain, not sent yet."""
    return chain(subtract.s(fahrenheit, 32), multiply.s(5), divide.s(9)).apply_async()
