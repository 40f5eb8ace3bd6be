"""check_everything_else_goes_to_high: Everything else goes to exercise05-low, so invoices wait behind reports."""

app.conf.update(
    control_exchange="exercise05",
    task_queues=[
        Queue("exercise05-high", routing_key="exercise05-high"),
        Queue("exercise05-low", routing_key="exercise05-low"),
    ],
    task_default_queue="exercise05-low",
    task_routes={"exercise.report_*": {"queue": "exercise05-low"}},
)
