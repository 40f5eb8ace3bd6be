"""check_three_links_give_celsius: Python does most of the arithmetic, and only the division is left for a worker."""


def to_celsius(fahrenheit: float) -> chain:
    """The three steps as one chain, not sent yet."""
    return chain(divide.s((fahrenheit - 32) * 5, 9))
