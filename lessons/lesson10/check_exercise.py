"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

from datetime import UTC, datetime, timedelta
from inspect import signature
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from celery.beat import Scheduler, SchedulingError
from kombu import Connection, Queue

NEW_YORK = ZoneInfo("America/New_York")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MOST = 400  # firings of one entry that are looked at; the schedules asked for have fewer


def scheduler(exercise):
    """What beat makes of the answer's settings, without a file and without sending anything."""
    exercise.app.finalize()
    try:
        return Scheduler(exercise.app)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise AssertionError(
            f"beat can't read beat_schedule, and would end with {type(error).__name__}: {error}\n"
            "An entry has task, schedule, args, kwargs, options and relative, nothing else: see lesson 10's tasks.py."
        ) from None


def entries(exercise, task):
    """The entries that send this task."""
    found = [entry for entry in scheduler(exercise).schedule.values() if entry.task == task.name]
    if not found:
        raise AssertionError(
            f"No entry sends {task.name}, so beat never will.\n"
            "An entry names its task as a worker's banner lists it: module and function."
        )
    for entry in found:
        if isinstance(entry.args, str):
            raise AssertionError(
                f"The entry {entry.name!r} has the text {entry.args!r} as its args, so each letter is an argument.\n"
                f"args has to be a tuple, and ({entry.args!r}) is only {entry.args!r}. One argument takes a comma: "
                f"({entry.args!r},)."
            )
    return found


def firings(entry, start, end):
    """When beat, started at `start`, sends this entry, until `end`, by its own schedule object."""
    times, now = [], start
    while len(times) < MOST:
        entry.schedule.nowfun = lambda now=now: now.astimezone(entry.schedule.tz)
        now = now.astimezone(UTC) + entry.schedule.remaining_estimate(now.astimezone(entry.schedule.tz))
        if now >= end or (times and now <= times[-1]):
            break
        times.append(now)
    return times


def call(task, entry):
    """How an entry calls its task, however its arguments are written down."""
    try:
        given = signature(task.run).bind(*(entry.args or ()), **(entry.kwargs or {})).arguments
    except TypeError as error:
        return f"a call that fails: {error}"
    return f"{task.run.__name__}({', '.join(map(repr, given.values()))})"


def diary(exercise, task, start, end):
    """Everything that is sent of this task, as a clock in New York shows it."""
    found = [(time, call(task, entry)) for entry in entries(exercise, task) for time in firings(entry, start, end)]
    return [f"{time.astimezone(NEW_YORK):%a %d %b %Y %H:%M} {what}" for time, what in sorted(found)]


def midnight(year, month, day):
    return datetime(year, month, day, tzinfo=NEW_YORK)


def change(year, months):
    """The midnight with which the day begins on which the clocks of New York change in these months."""
    days = [midnight(year, month, day) for month in months for day in range(1, 29)]
    return next(a for a, b in pairwise(days) if a.utcoffset() != b.utcoffset())


@pytest.mark.judges(1)
def check_ovens_are_lit_by_the_clock_on_the_wall(exercise, expect, values):
    """By which clock does beat read a crontab? And from when does it count a number of seconds?

    See "What you will see" of lesson 10, the lines on Seoul and Berlin: there is a setting for the zone. Days of the
    week have names too, which is safer than numbers. And two ovens are two entries, each with a name of its own.

    timezone="America/New_York", and for the left oven: {"task": "exercise.light_oven", "schedule": crontab(hour=4,
    minute=15, day_of_week="tue-sun"), "args": ("left",)}
    """
    expect(
        sorted({call(exercise.light_oven, entry) for entry in entries(exercise, exercise.light_oven)}),
        ["light_oven('left')", "light_oven('right')"],
        what="how the entries of light_oven call it",
        idea="Each oven has an entry of its own, and its args, or kwargs, say which oven it is.",
    )
    year = values.randint(2027, 2036)
    in_winter, in_summer = midnight(year, 1, values.randint(5, 20)), midnight(year, 7, values.randint(5, 20))
    for start in (in_winter, in_summer, change(year, [3]) - 2 * DAY, change(year, [11]) - 2 * DAY):
        begin = start + values.randint(6, 22) * HOUR
        wanted = []
        for days in range(1, 9):
            day = start + days * DAY
            if day.weekday() != 0:  # Python's Monday
                wanted += [
                    f"{day:%a %d %b %Y} 04:15 light_oven('left')",
                    f"{day:%a %d %b %Y} 05:15 light_oven('right')",
                ]
        saw = diary(exercise, exercise.light_oven, begin, start + 9 * DAY)
        differs = next(
            (n for n, (a, b) in enumerate(zip(saw, wanted, strict=False)) if a != b), min(len(saw), len(wanted))
        )
        expect(
            saw[differs : differs + 3],
            wanted[differs : differs + 3],
            what=f"what beat sends from {begin:%a %d %b %Y %H:%M}, from where it differs",
            idea=(
                "A crontab goes by the setting timezone, which is UTC unless you say otherwise; a zone has a summer, a"
                " number of hours to add doesn't. Seconds are counted from when beat starts. Days by name can't be "
                "miscounted."
            ),
        )


@pytest.mark.judges(2)
def check_books_are_closed_once_a_month(exercise, expect, values):
    """What does a crontab say about what you leave out of it?

    Every field that isn't given is "*", also the minute. See the comment on midnight in the lesson's tasks.py.

    crontab(minute=0, hour=0, day_of_month=1)
    """
    year, month = values.randint(2027, 2036), values.randint(1, 12)
    begin = midnight(year, month, values.randint(2, 28)) + values.randint(1, 22) * HOUR
    firsts = [midnight(year + (month + n) // 12, (month + n) % 12 + 1, 1) for n in range(14)]
    expect(
        diary(exercise, exercise.close_books, begin, firsts[13])[:14],
        [f"{first:%a %d %b %Y} 00:00 close_books()" for first in firsts[:13]],
        what=f"what beat sends from {begin:%a %d %b %Y %H:%M}",
        idea=(
            "A field of crontab that isn't given means every: each minute of an hour, each day of a month. Months and "
            "days have no fixed length, so no number of seconds will do."
        ),
    )


@pytest.mark.judges(3)
def check_dough_is_fed_every_60_minutes(exercise, expect, values):
    """Is "every hour" a time on a clock, or a time that passes?

    Lesson 10 looks at the night in which clocks go back, with a crontab and with an interval: compare the two lines.

    {"task": "exercise.feed_dough", "schedule": 3600.0}
    """
    year = values.randint(2027, 2036)
    for what, months in ("forward", [3]), ("back", [11]):
        night = change(year, months)
        begin = night.astimezone(UTC) - values.randint(61, 600) * timedelta(minutes=1)  # in UTC, no hour comes twice
        found = entries(exercise, exercise.feed_dough)
        times = sorted(time for entry in found for time in firings(entry, begin, night.astimezone(UTC) + 12 * HOUR))
        expect(
            sorted({round((b - a) / timedelta(minutes=1)) for a, b in pairwise(times)}),
            [60],
            what=f"the minutes from one feeding to the next, in the night {night:%d %b %Y}, when clocks are put {what}",
            idea=(
                "In the night in which an hour comes twice, a crontab leaves one of the two out, whatever it says "
                "about hours. An interval counts seconds, and takes no notice of clocks."
            ),
        )


@pytest.mark.judges(4)
def check_a_late_oven_stays_cold(exercise, expect):
    """How can a message say until when it is good?

    What apply_async() takes as an option, an entry takes in its "options"; lesson 10's tick has the one that you need.

    "options": {"expires": 600}, in seconds
    """
    beat = scheduler(exercise)
    with Connection("memory://") as connection:
        for number, entry in enumerate(entries(exercise, exercise.light_oven)):
            oven = call(exercise.light_oven, entry)
            given = entry.options.get("expires", exercise.light_oven.expires)
            expect(
                f"the moment {given}" if isinstance(given, datetime) else "seconds",
                "seconds",
                what=f"what expires says in the entry of {oven}",
                idea=(
                    "Beat reads the schedule once, when it starts. A moment that was worked out then is over soon, and "
                    "from then on each message is too old when it is sent. Say it in seconds: they are counted from "
                    "each sending."
                ),
            )
            queue = Queue(f"exercise10-checked-{number}")
            entry.options = {**entry.options, "queue": queue, "ignore_result": True}
            before = datetime.now(UTC)
            with connection.Producer() as producer:
                try:
                    beat.apply_async(entry, producer=producer, advance=False)
                except SchedulingError as error:
                    raise AssertionError(
                        f"Beat can't send the entry {entry.name!r}: {error}\n"
                        f"Its expires is {given!r}. It has to be a number, in seconds."
                    ) from None
            after = datetime.now(UTC)
            message = queue(connection.default_channel).get(no_ack=True)
            until = message.headers["expires"]
            if until:
                until = datetime.fromisoformat(until)
                until = until if until.tzinfo else until.replace(tzinfo=UTC)  # as a worker reads it
                exact = before <= until - timedelta(minutes=10) <= after
                until = f"good for {600 if exact else round((until - before).total_seconds(), 1)} s"
            expect(
                until or "good forever",
                "good for 600 s",
                what=f"how long the message of {oven} is good",
                idea=(
                    "A message waits as long as it takes, until a worker is there. expires says after how many seconds"
                    " it is no longer wanted; a time limit only counts from when the task has begun."
                ),
            )


@pytest.mark.judges(5)
def check_all_of_it_goes_to_the_bakerys_worker(exercise, expect):
    """Which queue does a message go to, if nothing is said about it? And who reads that one?

    Lesson 05: a worker reads the queues that it was told to read, here task_default_queue.

    No queue= in the entries' options, nor in the tasks, and task_default_queue="exercise10" as it was.
    """
    for task in (exercise.light_oven, exercise.close_books, exercise.feed_dough):
        for entry in entries(exercise, task):
            options = {**task._get_exec_options(), **entry.options}
            route = exercise.app.amqp.router.route(options, task.name, entry.args or (), entry.kwargs or {})
            expect(
                getattr(route.get("queue"), "name", route.get("queue")) or "no queue at all",
                "exercise10",
                what=f"the queue for which beat sends {call(task, entry)}",
                idea="No worker of the bakery reads any other queue, so such a message would wait forever.",
            )


@pytest.mark.judges(6)
def check_a_message_is_good_when_it_is_sent(exercise, expect):
    """Which options of apply_async() speak of a time, and from when is each of them counted?

    Look at the "options" of each entry. The schedule has said already when it is sent; beat reads them when it starts.

    No countdown and no eta, and for expires a number of seconds: {"expires": 600}, not a datetime
    """
    for task in (exercise.light_oven, exercise.close_books, exercise.feed_dough):
        for entry in entries(exercise, task):
            options = {**task._get_exec_options(), **entry.options}
            expect(
                {name: options[name] for name in ("countdown", "eta") if options.get(name)},
                {},
                what=f"what the message of {call(task, entry)} is to wait for, after beat has sent it",
                idea=(
                    "Beat sends a message when its time has come. A countdown or an eta has the worker hold it for "
                    "longer, so the task runs at another time than the schedule says."
                ),
            )
            expires = options.get("expires")
            expect(
                f"the moment {expires}" if isinstance(expires, datetime | str) else "seconds, or nothing",
                "seconds, or nothing",
                what=f"what expires says of {call(task, entry)}",
                idea=(
                    "Beat reads the schedule once, when it starts. A moment that was worked out then is over soon, and "
                    "from then on each message is too old when it is sent. Say it in seconds: they are counted from "
                    "each sending."
                ),
            )
