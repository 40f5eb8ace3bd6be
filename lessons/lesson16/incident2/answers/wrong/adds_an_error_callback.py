"""check_the_report_comes: The error callback waits for a failure, but no task has failed."""


@app.task
def count(amount: int) -> int:
    """Count one order."""
    return amount


@app.task
def sorry(*_: object) -> None:
    print("the report has failed")


def close_the_day(amounts: list[int]) -> AsyncResult:
    """The receipt of the report: the sum of what the tasks have counted."""
    return chord(count.s(amount) for amount in amounts)(report.s().on_error(sorry.s()))
