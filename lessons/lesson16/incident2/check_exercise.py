"""What a mended incident 2 does. The docstring holds three hints, a paragraph each."""

from celery.exceptions import TimeoutError


def check_the_report_comes(exercise, workers, expect, values):
    """Who tells a chord that its header is done, and from what does it know?

    With results in a database, a task looks whether the result of each part is there. See chord_ignored in canvas.py.

    @app.task(ignore_result=False), for what is in the header too
    """
    amounts = [values.randint(10, 99) for _ in range(3)]
    try:
        total = exercise.close_the_day(amounts).get(timeout=6, interval=0.05)
    except TimeoutError:
        total = "nothing, in 6 s"
    expect(
        total,
        sum(amounts),
        what=f"the report of a day with {amounts}",
        idea=(
            "A chord calls its callback when it has the result of each part, and asks for them again and again until "
            "then. Look at what the parts leave behind."
        ),
    )
