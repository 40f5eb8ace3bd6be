"""check_nothing_is_sent_yet: The first two tasks are called like functions, so they run in the caller's process."""


def to_celsius(fahrenheit: float) -> chain:
    """The three steps as one chain, not sent yet."""
    return divide.s(multiply(subtract(fahrenheit, 32), 5), 9)
