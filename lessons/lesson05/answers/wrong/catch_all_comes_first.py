"""check_reports_go_to_low: The first pattern that matches decides, and the general one comes first."""

app.conf.update(
    control_exchange="exercise05",
    task_queues=[
        Queue("exercise05-high", routing_key="exercise05-high"),
        Queue("exercise05-low", routing_key="exercise05-low"),
    ],
    task_default_queue="exercise05-high",
    task_routes={"exercise.*": {"queue": "exercise05-high"}, "exercise.report_*": {"queue": "exercise05-low"}},
)
