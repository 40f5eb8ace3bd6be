"""check_three_links_give_celsius: A link made with .si() ignores the result of the link before."""


def to_celsius(fahrenheit: float) -> chain:
    """The three steps as one chain, not sent yet."""
    return chain(subtract.si(fahrenheit, 32), multiply.si(5), divide.si(9))
