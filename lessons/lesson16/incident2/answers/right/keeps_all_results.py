"""All results are stored again, and they expire after a day."""

app.conf.update(
    task_default_queue="exercise16-incident2",
    control_exchange="exercise16-incident2",
)


@app.task
def count(amount: int) -> int:
    """Count one order."""
    return amount


@app.task
def report(amounts: list[int]) -> int:
    return sum(amounts)
