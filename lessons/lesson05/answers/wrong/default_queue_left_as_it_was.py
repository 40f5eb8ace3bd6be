"""check_everything_else_goes_to_high: Only reports are routed, and everything else goes to the default queue
exercise05, which no worker reads.
"""

app.conf.update(
    control_exchange="exercise05",
    task_queues=[
        Queue("exercise05-high", routing_key="exercise05-high"),
        Queue("exercise05-low", routing_key="exercise05-low"),
    ],
    task_default_queue="exercise05",
    task_routes={"exercise.report_*": {"queue": "exercise05-low"}},
)
