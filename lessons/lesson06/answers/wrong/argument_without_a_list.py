"""check_names_are_those_of_the_handbook: `args` is a number here, but it must be a list of all arguments."""


def tidy_shelf(shelf: int) -> AsyncResult:
    """Have a shelf tidied up."""
    # The task has ignore_result=True too, but that stands in code that the shop hasn't got: its receipt can't know.
    return app.send_task("shelf.tidy", args=shelf, ignore_result=True)
