"""check_a_message_is_good_when_it_is_sent: A countdown comes on top of the schedule, so the ovens are lit late."""

app.conf.update(
    task_default_queue="exercise10",
    control_exchange="exercise10",
    timezone="America/New_York",  # a zone, and not a number of hours: it knows when clocks change
    beat_schedule={
        "left oven": {
            "task": "exercise.light_oven",
            "schedule": crontab(hour=4, minute=15, day_of_week="tue-sun"),
            "args": ("left",),
            "options": {"expires": 600, "countdown": 300},
        },
        "right oven": {
            "task": "exercise.light_oven",
            "schedule": crontab(hour=5, minute=15, day_of_week="tue-sun"),
            "args": ("right",),
            "options": {"expires": 600, "countdown": 300},
        },
        "books": {"task": "exercise.close_books", "schedule": crontab(minute=0, hour=0, day_of_month=1)},
        "dough": {"task": "exercise.feed_dough", "schedule": 3600.0},  # an interval counts seconds, whatever clocks do
    },
)
