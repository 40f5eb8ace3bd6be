"""check_ovens_are_lit_by_the_clock_on_the_wall: Both entries have one name, so the second replaces the first."""

app.conf.update(
    task_default_queue="exercise10",
    control_exchange="exercise10",
    timezone="America/New_York",  # a zone, and not a number of hours: it knows when clocks change
    beat_schedule={
        "books": {"task": "exercise.close_books", "schedule": crontab(minute=0, hour=0, day_of_month=1)},
        "dough": {"task": "exercise.feed_dough", "schedule": 3600.0},  # an interval counts seconds, whatever clocks do
    },
)


for hour, side in (4, "left"), (5, "right"):
    app.conf.beat_schedule["oven"] = {
        "task": "exercise.light_oven",
        "schedule": crontab(hour=hour, minute=15, day_of_week="tue-sun"),
        "args": (side,),
        "options": {"expires": 600},
    }
