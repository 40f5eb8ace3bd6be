"""check_three_links_give_celsius: The later links have an argument too many, because the chain adds the result of the
link before as the first.
"""


def to_celsius(fahrenheit: float) -> chain:
    """The three steps as one chain, not sent yet."""
    return chain(subtract.s(fahrenheit, 32), multiply.s(fahrenheit, 5), divide.s(fahrenheit, 9))
