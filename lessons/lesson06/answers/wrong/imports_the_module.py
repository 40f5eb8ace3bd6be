"""check_the_shop_has_no_code_of_the_mail_room: It imports the mail room's functions and calls delay() on them, but
the shop has none of that code.
"""

from lesson06.exercise_mailroom import put_in_order, stick_on, write_and_post


def send_letter(customer: int, language: str) -> AsyncResult:
    """Have a letter in this language sent to the customer."""
    return write_and_post.delay(customer, language=language)


def print_label(order: int, weight: float) -> AsyncResult:
    """Have a label printed for the parcel of this order; `weight` is in kg."""
    return stick_on.delay(order=order, weight=weight)


def tidy_shelf(shelf: int) -> AsyncResult:
    """Have a shelf tidied up."""
    return put_in_order.delay(shelf)
