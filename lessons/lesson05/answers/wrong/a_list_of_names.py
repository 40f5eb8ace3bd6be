"""check_reports_go_to_low: The reports are listed by name, so next month's new report isn't routed."""

app.conf.update(
    control_exchange="exercise05",
    task_queues=[
        Queue("exercise05-high", routing_key="exercise05-high"),
        Queue("exercise05-low", routing_key="exercise05-low"),
    ],
    task_default_queue="exercise05-high",
    task_routes={
        "exercise.report_sales": {"queue": "exercise05-low"},
        "exercise.report_stock": {"queue": "exercise05-low"},
    },
)
