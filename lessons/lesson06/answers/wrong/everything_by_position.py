"""check_arguments_arrive: Order and weight are sent by position, but the task takes them by keyword only."""


def print_label(order: int, weight: float) -> AsyncResult:
    """Have a label printed for the parcel of this order; `weight` is in kg."""
    return app.send_task("parcel.label", args=[order, weight])
