"""check_names_are_those_of_the_handbook: The task's name is misspelled, and the sender gets no error."""


def print_label(order: int, weight: float) -> AsyncResult:
    """Have a label printed for the parcel of this order; `weight` is in kg."""
    return app.send_task("parcel.lable", kwargs={"order": order, "weight": weight})
