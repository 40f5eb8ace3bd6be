"""check_everything_else_goes_to_high: The pattern also matches names that have report in the middle."""

app.conf.update(
    control_exchange="exercise05",
    task_queues=[
        Queue("exercise05-high", routing_key="exercise05-high"),
        Queue("exercise05-low", routing_key="exercise05-low"),
    ],
    task_default_queue="exercise05-high",
    task_routes={"*report_*": {"queue": "exercise05-low"}},
)
