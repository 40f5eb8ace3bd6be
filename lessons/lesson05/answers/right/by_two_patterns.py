"""Two patterns cover every task, the general one last, so nothing is left to the default queue."""

app.conf.update(
    control_exchange="exercise05",
    task_queues=[
        Queue("exercise05-high", routing_key="exercise05-high"),
        Queue("exercise05-low", routing_key="exercise05-low"),
    ],
    task_default_queue="exercise05",
    task_routes={
        "exercise.report_*": {"queue": "exercise05-low"},
        "*": {"queue": "exercise05-high"},
    },
)
