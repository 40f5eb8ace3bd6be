"""check_reports_go_to_low: Nothing is routed: every result is right, but reports go to exercise05-high."""

app.conf.update(
    control_exchange="exercise05",
    task_queues=[
        Queue("exercise05-high", routing_key="exercise05-high"),
        Queue("exercise05-low", routing_key="exercise05-low"),
    ],
    task_default_queue="exercise05-high",
)
