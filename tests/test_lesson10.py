"""Lesson 10's claims, on a live worker and a live beat, and on schedules that are asked without waiting."""

import os
import re
import subprocess
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import psutil
import pytest
from celery import Celery
from celery.beat import BeatPidbox, PersistentScheduler, ScheduleEntry, Scheduler, beat_nodename
from celery.schedules import crontab

from classroom.processes import running
from classroom.recorder import recording
from global_config import RABBITMQ_URL, REDIS_BROKER_URL, REDIS_URL
from lesson10 import call_tasks, firings
from lesson10.call_tasks import NEW_YORK, ask, ticks, wait_until
from lesson10.second_beat import second_beat, times_sent
from lesson10.tasks import app, clean_up, remind

pytestmark = pytest.mark.usefixtures("workers")
once = pytest.mark.once
BERLIN = ZoneInfo("Europe/Berlin")


def other_app(**settings: object) -> Celery:
    """An app of its own with these settings; nothing is sent."""
    other = Celery("other", broker="memory://", set_as_current=False)
    other.conf.update(settings)
    return other


def second_beats() -> list[psutil.Process]:
    """The beats that this process has started itself, and that run."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if "--no-enable-remote-control" in child.cmdline()]


@once
def test_an_interval_first_fires_one_interval_after_beat_starts(tmp_path: Path) -> None:
    """Without a schedule file, the tick of every second comes a second after beat's own first line, not with it."""
    command = f"celery -A lesson10.tasks beat --loglevel=info --no-enable-remote-control --schedule={tmp_path}/own"
    with running({"beat": command}, tmp_path) as logs:
        wait_until(lambda: "due task tick" in logs["beat"].read_text())
    log = logs["beat"]
    when = {}
    for line in log.read_text().splitlines():
        if stamp := re.match(r"\[(\S+ \S+?): ", line):
            said = next((words for words in ("beat: Starting", "due task tick") if words in line), "")
            when.setdefault(said, datetime.strptime(stamp[1], "%Y-%m-%d %H:%M:%S,%f"))
    assert when["due task tick"] - when["beat: Starting"] > timedelta(seconds=0.95)


def test_two_beats_each_send_everything() -> None:
    """Ticks of both come side by side; what each has sent stands in its own schedule file; and it is gone then."""
    before = len(ticks())
    with second_beat():
        assert second_beats()
        wait_until(lambda: len(set(ticks()[before:])) == 2)
        both = set(ticks()[before:])
        counted = len(ticks())
        wait_until(lambda: all(ticks()[counted:].count(one) >= 2 for one in both))
    assert not second_beats()
    assert times_sent("tick") >= 3


def test_the_second_beat_is_ended_when_the_driver_fails() -> None:
    """Whatever ends the block."""

    def driver() -> None:
        with second_beat():
            assert second_beats()
            raise ValueError("the driver's own mistake")

    with pytest.raises(ValueError, match="own mistake"):
        driver()
    assert not second_beats()


def test_a_tick_that_no_worker_took_in_time_is_revoked(capsys: pytest.CaptureFixture[str]) -> None:
    """While nobody reads the queue, ticks grow older than their 1.5 seconds; afterwards, the worker reads again."""
    call_tasks.let_ticks_expire()
    assert re.search(r"≈ [1-9]\d*, REVOKED$", capsys.readouterr().out.strip())
    assert remind.delay("still there").get(timeout=10) == "still there"


def test_rabbitmq_drops_an_expired_message_and_redis_keeps_it_for_a_worker(profile: str) -> None:
    """Without any worker: it vanishes from RabbitMQ's queue, and is PENDING; on Redis it waits to be revoked."""
    if profile == "embedded":
        pytest.skip("files keep it, too")
    with ExitStack() as stack:
        queues, receipts = {}, {}
        for url in REDIS_BROKER_URL, RABBITMQ_URL:
            sender = Celery("sender", broker=url, backend=REDIS_URL, set_as_current=False)
            connection = stack.enter_context(sender.connection_for_write())
            queues[url] = sender.amqp.queues["lesson10-unread"](connection.default_channel)
            queues[url].declare()
            stack.callback(queues[url].delete)
            receipts[url] = sender.send_task("anything", queue="lesson10-unread", expires=1)
        for left in 1, 0:
            wait_until(lambda: queues[RABBITMQ_URL].queue_declare(passive=True).message_count == left, 30)  # noqa: B023
        assert queues[REDIS_BROKER_URL].queue_declare(passive=True).message_count == 1
        assert receipts[RABBITMQ_URL].state == "PENDING"


@once
def test_the_clean_up_deletes_what_is_old_and_may_run_twice() -> None:
    """Files of 20 and 8 days go, one of a day stays, and a second run finds nothing to do."""
    call_tasks.lay_out_uploads()
    for receipt in [clean_up.delay(days=7), clean_up.delay(days=7)]:
        receipt.get(timeout=10)
    assert call_tasks.uploads_left() == ["may.txt"]


@once
def test_a_file_that_another_clean_up_was_faster_with_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by both, deleted by one: here the same file is found twice."""
    (old := tmp_path / "old").touch()
    os.utime(old, (0, 0))
    monkeypatch.setattr("lesson10.tasks.UPLOADS", SimpleNamespace(glob=lambda _: [old, old]))
    assert clean_up(days=7) == ["old"]


def test_beat_answers_a_ping_and_nobody_is_an_exit_status(profile: str) -> None:
    """`celery inspect ping` ends with 0 where beat answers, and with 69 where nobody does."""
    for name, status in ("celerybeat", 0), ("celerybeet", 69):
        command = ["celery", "-A", "lesson10.tasks", "inspect", "ping", "-t", "5" if status == 0 else "0.5"]
        asked = subprocess.run([*command, "-d", f"{name}@{os.uname().nodename}"], capture_output=True, text=True)
        assert asked.returncode == status, asked.stdout + asked.stderr


@once
def test_a_missing_beat_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody answers, the driver says what may be missing, and what to type."""
    monkeypatch.setattr(app.control, "broadcast", lambda *_, **__: [])
    with pytest.raises(RuntimeError, match=r"Is beat running\? celery -A lesson10\.tasks beat"):
        ask("ping")


def test_a_naive_eta_is_utc() -> None:
    """Seen from New York it has passed already, though the app's timezone is set; an aware one waits."""
    aware = datetime.now(NEW_YORK) + timedelta(seconds=2)
    naive = datetime.now(NEW_YORK).replace(tzinfo=None) + timedelta(hours=1)
    with recording(app) as events:
        late, soon = (remind.apply_async(args=(str(eta),), eta=eta) for eta in (aware, naive))
        for receipt in soon, late:
            receipt.get(timeout=20, interval=0.05)
    started = {event["uuid"]: event["timestamp"] for event in events if event["type"] == "task-started"}
    assert started[late.id] >= aware.timestamp()
    assert started[soon.id] < naive.replace(tzinfo=NEW_YORK).timestamp()


@once
def test_a_naive_eta_of_seoul_is_nine_hours_late() -> None:
    """The worker keeps it for nine hours and a minute; a countdown of a minute is a minute."""
    clock = datetime.now(ZoneInfo("Asia/Seoul")) + timedelta(minutes=1)
    meant = {
        remind.apply_async(args=("naive",), eta=clock.replace(tzinfo=None)).id: timedelta(hours=9),
        remind.apply_async(args=("countdown",), countdown=60).id: timedelta(0),
    }
    wait_until(lambda: len(ask("scheduled")) == 2)
    for scheduled in ask("scheduled"):
        eta = datetime.fromisoformat(scheduled["eta"])
        assert abs(eta - clock - meant[scheduled["request"]["id"]]) < timedelta(seconds=30)


@once
def test_a_crontab_goes_by_utc_unless_a_timezone_is_set() -> None:
    """Midnight is 09:00 in Seoul, or really midnight there; a minute that isn't given is every minute."""
    start = datetime(2026, 6, 1, 12, 30, tzinfo=ZoneInfo("Asia/Seoul"))
    assert firings.clocks(firings.firings(crontab(hour=0, minute=0), None, start, 1)) == "Tue 09:00"
    assert firings.clocks(firings.firings(crontab(hour=0, minute=0), "Asia/Seoul", start, 1)) == "Tue 00:00"
    times = firings.firings(crontab(hour=0), "Asia/Seoul", start, 61)
    assert firings.clocks([times[0], times[59], times[60]]) == "Tue 00:00  Tue 00:59  Wed 00:00"


@once
def test_a_daily_crontab_is_sent_once_in_each_night() -> None:
    """A time that doesn't exist comes an hour later, and of two the first counts: in New York as in Berlin."""
    for zone, hour, saturday, wanted in (
        ("Europe/Berlin", 2, datetime(2026, 3, 28), "Sat 02:30  Sun 03:30  Mon 02:30"),
        ("Europe/Berlin", 2, datetime(2026, 10, 24), "Sat 02:30  Sun 02:30  Mon 02:30"),
        ("America/New_York", 2, datetime(2026, 3, 7), "Sat 02:30  Sun 03:30  Mon 02:30"),
        ("America/New_York", 1, datetime(2026, 10, 31), "Sat 01:30  Sun 01:30  Mon 01:30"),
    ):
        times = firings.firings(crontab(hour=hour, minute=30), zone, saturday.replace(tzinfo=ZoneInfo(zone)), 3)
        assert firings.clocks(times) == wanted
        assert not any(time.fold for time in times)


@once
def test_an_hourly_crontab_leaves_out_the_hour_that_comes_twice() -> None:
    """Two hours between, where an interval, or UTC, has one."""
    start = datetime(2026, 10, 25, tzinfo=BERLIN)
    for every, zone, longest in (crontab(minute=30), "Europe/Berlin", 120), (crontab(minute=30), None, 60), (
        3600.0, "Europe/Berlin", 60,
    ):  # fmt: skip
        assert max(firings.minutes_between(firings.firings(every, zone, start, 6))) == longest


class Counting(Scheduler):
    """Beat's scheduler with a clock of the test's, sending nothing."""

    producer = None
    sent: list[datetime]

    def apply_async(self, entry: ScheduleEntry, **_: object) -> None:
        self.sent.append(self.app.now())


NIGHTLY = crontab(hour=2, minute=30)


def sent_from(
    start: datetime, hours: float, most: int, entry: crontab = NIGHTLY, last: datetime | None = None
) -> list[datetime]:
    """When a beat that starts at `start` sends an entry of that zone, for that many hours; `most` times at most.

    `last` is when the entry was last sent, as beat's file says; None without a file.
    """
    zone = start.tzinfo
    beat_app = other_app(timezone=str(zone), beat_schedule={"night": {"task": "t", "schedule": entry}})
    now = start.astimezone(UTC)
    beat_app.now = lambda: now.astimezone(zone)
    scheduler = Counting(beat_app)
    scheduler.sent = []
    if last:
        scheduler.schedule["night"].last_run_at = last
    while now < start.astimezone(UTC) + timedelta(hours=hours) and len(scheduler.sent) < most:
        now += timedelta(seconds=max(scheduler.tick(), 0.001))
    return scheduler.sent


@once
def test_a_beat_that_starts_in_the_repeated_hour_sends_without_a_pause() -> None:
    """A hundred times in the first second; begun an hour earlier, or at another time of day, it sends once.

    A file with a last run before the clocks went back changes nothing; an entry that was sent in the first of the two
    hours isn't sent again. Other zones change at midnight.
    """
    second, cairo, havana = (
        datetime(*date, fold=1, tzinfo=ZoneInfo(zone))
        for zone, *date in (
            ("Europe/Berlin", 2026, 10, 25, 2, 10),
            ("Africa/Cairo", 2026, 10, 29, 23, 10),
            ("America/Havana", 2026, 11, 1, 0, 10),
        )
    )
    for storm in (
        sent_from(second, hours=1, most=100),
        sent_from(second, hours=1, most=100, last=datetime(2026, 10, 24, 2, 30, tzinfo=BERLIN)),
        sent_from(second, 1, 100, crontab(minute="*/10"), last=datetime(2026, 10, 25, 2, 0, fold=0, tzinfo=BERLIN)),
        sent_from(cairo, 1, 100, crontab(hour=23, minute=30)),
        sent_from(havana, 1, 100, crontab(hour=0, minute=30)),
    ):
        assert len(storm) == 100
        assert storm[-1] - storm[0] < timedelta(seconds=1)
    assert not sent_from(second, 1, most=100, last=datetime(2026, 10, 25, 2, 30, fold=0, tzinfo=BERLIN))
    assert len(sent_from(datetime(2026, 10, 25, 2, 10, fold=0, tzinfo=BERLIN), hours=5, most=100)) == 1
    assert len(sent_from(datetime(2026, 10, 25, 2, 40, fold=1, tzinfo=BERLIN), hours=5, most=100)) == 0


@once
def test_what_beat_missed_is_sent_once_when_it_is_back() -> None:
    """The schedule file says when an entry was sent last; how late is too late can be set."""
    for deadline, due in (None, True), (3600, False):
        beat_app = other_app(beat_cron_starting_deadline=deadline)
        now = datetime(2026, 6, 4, 12, 0, tzinfo=UTC)
        beat_app.now = lambda now=now: now
        daily = {"name": "daily", "task": "t", "schedule": crontab(hour=0, minute=0), "app": beat_app}
        entry = ScheduleEntry(**daily, last_run_at=now - timedelta(days=3))
        assert entry.is_due().is_due is due
        assert not next(entry).is_due().is_due


@once
def test_without_its_file_an_interval_starts_over() -> None:
    """A new entry waits a whole interval; one that remembers is due."""
    day = {"name": "day", "task": "t", "schedule": 86400.0, "app": other_app()}
    assert ScheduleEntry(**day).is_due() == (False, pytest.approx(86400, abs=5))
    assert ScheduleEntry(**day, last_run_at=datetime.now(UTC) - timedelta(hours=25)).is_due().is_due


@once
def test_who_connects_too_late_is_never_called() -> None:
    """on_after_configure is sent when a setting is first read; on_after_finalize when all tasks are known."""
    called, late = [], other_app()
    late.conf.timezone  # noqa: B018 - reading it is the point
    late.on_after_configure.connect(lambda **_: called.append("configure"), weak=False)
    late.on_after_finalize.connect(lambda **_: called.append("finalize"), weak=False)
    late.finalize()
    assert called == ["finalize"]


@once
def test_beat_cleans_up_a_database_at_four(tmp_path: Path) -> None:
    """It adds that entry where results lie in a database, and not where they lie in Redis."""
    for backend, adds in ("db+sqlite://", True), ("redis://localhost:1/0", False):
        other = Celery("other", broker="memory://", backend=backend, set_as_current=False)
        beat = PersistentScheduler(other, schedule_filename=str(tmp_path / backend.partition(":")[0]))
        assert ("celery.backend_cleanup" in beat.schedule) is adds
        if adds:
            assert beat.schedule["celery.backend_cleanup"].schedule == crontab(hour=4, minute=0)
        beat.close()
    assert app.conf.result_expires == timedelta(days=1)


@once
def test_a_beat_that_stands_still_falls_silent_after_ten_minutes() -> None:
    """Twice the longest sleep of its loop; and its node name can be given."""
    service = SimpleNamespace(
        hostname="celerybeat@shop", max_interval=None, effective_max_interval=300, _last_tick=None
    )
    beat = BeatPidbox(SimpleNamespace(app=other_app(), **vars(service)))
    assert (beat.hostname, beat.max_tick_age) == (beat_nodename("celerybeat@shop"), 600)
    assert beat.hostname == "celerybeat@shop"


@once
def test_gaps_are_counted_in_time_that_passes() -> None:
    """Two datetimes of one zone are subtracted as clocks show them; in UTC it is what has passed."""
    before, after = (datetime(2026, 10, 25, hour, 30, tzinfo=BERLIN) for hour in (2, 3))
    assert [b - a for a, b in pairwise([before, after])] == [timedelta(hours=1)]
    assert firings.minutes_between([before, after]) == [120]
