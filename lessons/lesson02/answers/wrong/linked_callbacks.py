"""check_three_links_give_celsius: link() sends the next step too, but the AsyncResult stays that of the first step."""


def to_celsius(fahrenheit: float) -> chain:
    """The three steps as one chain, not sent yet."""
    first, second = subtract.s(fahrenheit, 32), multiply.s(5)
    second.link(divide.s(9))
    first.link(second)
    return first
