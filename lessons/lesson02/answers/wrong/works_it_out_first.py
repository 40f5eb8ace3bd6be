"""check_three_links_give_celsius: Python works every argument out while it writes the chain, so no link takes anything
from the link before.
"""


def to_celsius(fahrenheit: float) -> chain:
    """The three steps as one chain, not sent yet."""
    difference = fahrenheit - 32
    return chain(subtract.si(fahrenheit, 32), multiply.si(difference, 5), divide.si(difference * 5, 9))
