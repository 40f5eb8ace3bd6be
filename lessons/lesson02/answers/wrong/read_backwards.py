"""check_three_links_give_celsius: The links are in the order of the nested formula, last step first, but a chain runs
them from left to right.
"""


def to_celsius(fahrenheit: float) -> chain:
    """The three steps as one chain, not sent yet."""
    return chain(divide.s(9), multiply.s(5), subtract.s(fahrenheit, 32))
