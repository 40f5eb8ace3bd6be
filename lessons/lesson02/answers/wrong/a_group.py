"""check_three_links_give_celsius: A group runs its tasks side by side, and none receives another's result."""

from celery import group


def to_celsius(fahrenheit: float) -> group:
    """The three steps as one chain, not sent yet."""
    return group(subtract.s(fahrenheit, 32), multiply.s(5), divide.s(9))
