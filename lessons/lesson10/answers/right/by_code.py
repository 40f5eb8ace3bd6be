"""Code adds the entries once the app is configured, with keyword arguments, a timedelta, and the days as a list."""

from datetime import timedelta

app.conf.update(
    task_default_queue="exercise10",
    control_exchange="exercise10",
    timezone="America/New_York",  # a zone, and not a number of hours: it knows when clocks change
)


@app.on_after_configure.connect
def plan(sender: Celery, **_: object) -> None:
    for hour, side in (4, "left"), (5, "right"):
        sender.add_periodic_task(
            crontab(15, hour, day_of_week=[0, 2, 3, 4, 5, 6]), light_oven.s(side=side), expires=600
        )
    sender.add_periodic_task(crontab.from_string("0 0 1 * *"), close_books.s(), name="books")
    sender.add_periodic_task(timedelta(minutes=60), feed_dough.s(), name="dough")
