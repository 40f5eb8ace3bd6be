"""check_the_shop_has_no_code_of_the_mail_room: The shop's app declares tasks with these names, although their code
belongs to the mail room.
"""


@app.task(name="letter.send")
def letter(customer: int, *, language: str) -> None: ...


@app.task(name="parcel.label")
def label(*, order: int, weight: float) -> None: ...


@app.task(name="shelf.tidy", ignore_result=True)
def shelf_to_tidy(shelf: int) -> None: ...


def send_letter(customer: int, language: str) -> AsyncResult:
    """Have a letter in this language sent to the customer."""
    return letter.delay(customer, language=language)


def print_label(order: int, weight: float) -> AsyncResult:
    """Have a label printed for the parcel of this order; `weight` is in kg."""
    return label.delay(order=order, weight=weight)


def tidy_shelf(shelf: int) -> AsyncResult:
    """Have a shelf tidied up."""
    return shelf_to_tidy.delay(shelf)
