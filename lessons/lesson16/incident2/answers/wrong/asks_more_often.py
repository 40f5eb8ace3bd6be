"""check_the_report_comes: The chord looks more often for results that are never stored."""

app.conf.update(
    task_default_queue="exercise16-incident2",
    control_exchange="exercise16-incident2",
    task_ignore_result=True,
    result_chord_retry_interval=0.1,
)


@app.task
def count(amount: int) -> int:
    """Count one order."""
    return amount
