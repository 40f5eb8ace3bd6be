"""check_three_links_give_celsius: It subtracts 32 last, but the formula subtracts first."""


def to_celsius(fahrenheit: float) -> chain:
    """The three steps as one chain, not sent yet."""
    return chain(multiply.s(fahrenheit, 5), divide.s(9), subtract.s(32))
