"""When will an entry fire? Its schedule knows, so nobody waits; no worker, beat or broker is needed.

python -m lesson10.firings
"""

from copy import copy
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from celery import Celery
from celery.schedules import BaseSchedule, crontab, maybe_schedule

SEOUL, BERLIN = "Asia/Seoul", "Europe/Berlin"
SPRING = datetime(2026, 3, 28, tzinfo=ZoneInfo(BERLIN))  # a Saturday; in its night, 01:59 is followed by 03:00
AUTUMN = datetime(2026, 10, 24, tzinfo=ZoneInfo(BERLIN))  # a Saturday; in its night, 02:59 is followed by 02:00


def asked(every: BaseSchedule | float, zone: str | None) -> BaseSchedule:
    """What beat makes of an entry's "schedule", where the setting timezone is `zone`."""
    app = Celery("asked", set_as_current=False)
    app.conf.timezone = zone
    schedule = copy(maybe_schedule(every))
    schedule.app = app
    return schedule


def firings(every: BaseSchedule | float, zone: str | None, start: datetime, count: int) -> list[datetime]:
    """The first `count` times at which a beat that starts at `start` sends an entry."""
    schedule, times = asked(every, zone), [start]
    for _ in range(count):
        last = times[-1]
        schedule.nowfun = lambda now=last: now  # what it takes for the present
        until_next = schedule.remaining_estimate(last)  # last: when it fired last, or when beat started
        times.append((last.astimezone(UTC) + until_next).astimezone(start.tzinfo))
    return times[1:]


def due_again(every: BaseSchedule, now: datetime) -> bool:
    """Whether an entry that was sent just `now` is due once more."""
    schedule = asked(every, str(now.tzinfo))
    schedule.nowfun = lambda: now
    return bool(schedule.is_due(now).is_due)


def clocks(times: list[datetime]) -> str:
    return "  ".join(f"{time:%a %H:%M}" for time in times)


def minutes_between(times: list[datetime]) -> list[int]:
    # In UTC: datetimes of one zone are subtracted as the clock on the wall shows them, whatever lies between.
    return [int((b.astimezone(UTC) - a.astimezone(UTC)).total_seconds() / 60) for a, b in pairwise(times)]


def main() -> None:
    midnight, nightly, hourly = crontab(hour=0, minute=0), crontab(hour=2, minute=30), crontab(minute=30)
    seoul, afternoon = SPRING.astimezone(ZoneInfo(SEOUL)), SPRING.replace(hour=14, minute=25)
    sunday, second_time = AUTUMN.replace(day=25), AUTUMN.replace(day=25, hour=2, minute=10, fold=1)
    print("Seoul:   midnight, timezone unset   ", clocks(firings(midnight, None, seoul, 3)))
    print("         midnight, timezone Seoul   ", clocks(firings(midnight, SEOUL, seoul, 3)))
    print("Berlin:  86400.0, begun Sat 14:25   ", clocks(firings(86400.0, BERLIN, afternoon, 3)))
    print("         nightly, clocks go forward ", clocks(firings(nightly, BERLIN, SPRING, 3)))
    print("         nightly, clocks go back    ", clocks(firings(nightly, BERLIN, AUTUMN, 3)))
    print("         that night, hourly at :30  ", *minutes_between(firings(hourly, BERLIN, sunday, 5)), "minutes apart")
    print("         that night, every 3600.0 s ", *minutes_between(firings(3600.0, BERLIN, sunday, 5)), "minutes apart")
    print(
        "         nightly, beat begun at the second 02:10: sent, and due again at once?",
        due_again(nightly, second_time),
    )


if __name__ == "__main__":
    main()
