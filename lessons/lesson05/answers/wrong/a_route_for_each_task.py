"""check_everything_else_goes_to_high: Each task of today has a route of its own, so a new task goes to a queue that
no worker reads.
"""

app.conf.update(
    control_exchange="exercise05",
    task_queues=[
        Queue("exercise05-high", routing_key="exercise05-high"),
        Queue("exercise05-low", routing_key="exercise05-low"),
    ],
    task_default_queue="exercise05",
    task_routes={
        "exercise.report_*": {"queue": "exercise05-low"},
        "exercise.send_invoice": {"queue": "exercise05-high"},
    },
)
