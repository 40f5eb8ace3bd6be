"""check_nothing_is_sent_yet: It sends each task and waits for it, instead of only writing the chain down."""


def to_celsius(fahrenheit: float) -> AsyncResult:
    """The three steps as one chain, not sent yet."""
    difference = subtract.delay(fahrenheit, 32).get(timeout=10)
    product = multiply.delay(difference, 5).get(timeout=10)
    return divide.delay(product, 9)
