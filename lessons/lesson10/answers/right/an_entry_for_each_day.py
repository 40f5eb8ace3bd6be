"""Each day has an entry of its own, and `expires` is an option of the task instead of the entries."""

from celery.schedules import schedule

app.conf.update(
    task_default_queue="exercise10",
    control_exchange="exercise10",
    timezone="America/New_York",  # a zone, and not a number of hours: it knows when clocks change
    beat_schedule={
        **{
            f"{side} on {day}": {
                "task": "exercise.light_oven",
                "schedule": crontab(hour=str(hour), minute="15", day_of_week=day),
                "kwargs": {"side": side},
            }
            for day in ("tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
            for hour, side in ((4, "left"), (5, "right"))
        },
        "books": {"task": "exercise.close_books", "schedule": crontab("0", "0", day_of_month="1")},
        "dough": {"task": "exercise.feed_dough", "schedule": schedule(3600)},
    },
)


@app.task(expires=600)
def light_oven(side: str) -> str:
    return f"{side} oven lit"
