"""check_names_are_those_of_the_handbook: The tasks are called by the names of the shop's own functions, which the
mail room's worker doesn't know.
"""


def send_letter(customer: int, language: str) -> AsyncResult:
    """Have a letter in this language sent to the customer."""
    return app.send_task("exercise.send_letter", args=[customer], kwargs={"language": language})


def print_label(order: int, weight: float) -> AsyncResult:
    """Have a label printed for the parcel of this order; `weight` is in kg."""
    return app.send_task("exercise.print_label", kwargs={"order": order, "weight": weight})


def tidy_shelf(shelf: int) -> AsyncResult:
    """Have a shelf tidied up."""
    # The task has ignore_result=True too, but that stands in code that the shop hasn't got: its receipt can't know.
    return app.send_task("exercise.tidy_shelf", args=[shelf], ignore_result=True)
