"""check_reports_go_to_low: Each decorator names the queue, and the author of the next report may forget it."""

app.conf.update(
    control_exchange="exercise05",
    task_queues=[
        Queue("exercise05-high", routing_key="exercise05-high"),
        Queue("exercise05-low", routing_key="exercise05-low"),
    ],
    task_default_queue="exercise05-high",
)


@app.task(queue="exercise05-low")
def report_sales(month: int) -> str:
    return f"sales of month {month}"


@app.task(queue="exercise05-low")
def report_stock(day: int) -> str:
    return f"stock of day {day}"
