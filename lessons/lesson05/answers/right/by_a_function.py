"""A function chooses the queue by the task's name, and the urgent call is a signature with a queue of its own."""


def route(name: str, *_: object, **__: object) -> dict[str, str]:
    """The queue of the task called `name`."""
    is_report = name.rpartition(".")[2].startswith("report_")
    return {"queue": "exercise05-low" if is_report else "exercise05-high"}


app.conf.update(
    control_exchange="exercise05",
    task_queues=[
        Queue("exercise05-high", routing_key="exercise05-high"),
        Queue("exercise05-low", routing_key="exercise05-low"),
    ],
    task_default_queue="exercise05",
    task_routes=[route],
)


def urgent_report(month: int) -> AsyncResult:
    """Send report_sales to exercise05-high, this once; returns its receipt."""
    return report_sales.s(month).set(queue="exercise05-high").apply_async()
