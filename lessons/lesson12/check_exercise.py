"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest
from celery import uuid

BEAT = 0.1  # seconds between the heartbeats that a check adds; a worker sends one every two seconds


def a_busy_hour(exercise, run, values):
    """Flowers are watered at once; then a long call keeps the only process, and letters wait for its end."""
    with run() as seen:
        exercise.water_flowers.delay().get(timeout=5, interval=0.02)
        receipts = [exercise.answer_phone.delay(values.randint(5, 7) / 10)]
        receipts += [exercise.open_letter.delay() for _ in range(values.randint(2, 3))]
        for receipt in receipts:
            receipt.get(timeout=5, interval=0.02)
    prompt = seen.delays("water_flowers") + seen.delays("answer_phone")
    limit = (max(prompt) + min(seen.delays("open_letter"))) / 2
    return in_order(seen.events), limit


def in_order(events):
    """Each task-sent before whatever else is told of its task: clocks of two processes can disagree a little."""
    first = {e["uuid"]: min(x["timestamp"] for x in events if x["uuid"] == e["uuid"]) for e in events}
    return sorted(events, key=lambda e: (first[e["uuid"]], 0) if e["type"] == "task-sent" else (e["timestamp"], 1))


def with_heartbeats(events, seconds=0.0):
    """These events, with heartbeats of a worker in between, and for so many seconds afterwards."""
    start, end = events[0]["timestamp"], max(e["timestamp"] for e in events) + seconds
    last = max(e.get("clock", 0) for e in events)
    beats = [
        {
            "type": "worker-heartbeat",
            "hostname": "celery@office",
            "pid": 1,
            "clock": last + n,
            "utcoffset": 0,
            "timestamp": start + n * BEAT,
            "local_received": start + n * BEAT,
            "freq": 2.0,
            "active": 0,
            "processed": n,
            "loadavg": [0.1, 0.1, 0.1],
            "sw_ident": "py-celery",
            "sw_ver": "5.7",
            "sw_sys": "Linux",
        }
        for n in range(1, int((end - start) / BEAT) + 2)
    ]
    return merged(events, beats)


def merged(events, beats):
    """Both, by time; what stands in a certain order in `events` stays so."""
    beats, told = list(beats), []
    for event in events:
        while beats and beats[0]["timestamp"] < event["timestamp"]:
            told.append(beats.pop(0))
        told.append(event)
    return told + beats


def reports(exercise, limit, events):
    """What a new Late reports of these events: (uuid, name without its module, seconds)."""
    told = []
    late = exercise.Late(limit, lambda *report: told.append(report))
    for event in events:
        late.note(dict(event))
    return [(task, name.rpartition(".")[2], seconds) for task, name, seconds in told]


def written(kind, timestamp, **fields):
    """An event as a recording holds it."""
    sent = {"name": "exercise.open_letter", "args": "()", "kwargs": "{}", "eta": None, "queue": "exercise12"}
    return {
        "type": kind,
        "hostname": "celery@office",
        "pid": 1,
        "clock": int(1000 * timestamp),
        "utcoffset": 0,
        "timestamp": timestamp,
        "local_received": timestamp,
        **(sent if kind == "task-sent" else {}),
        **fields,
    }


def names(told):
    """The names in these reports, sorted."""
    return sorted(name for _, name, _ in told)


def shifted(event, hours):
    """The same event, as it would have been told so many hours earlier."""
    moved = {**event, "timestamp": event["timestamp"] - hours * 3600}
    if "local_received" in event:
        moved["local_received"] -= hours * 3600
    if event.get("eta"):
        moved["eta"] = (datetime.fromisoformat(event["eta"]) - timedelta(hours=hours)).isoformat()
    return moved


@pytest.mark.judges(4, 8)
def check_the_time_is_that_of_the_events(exercise, run, expect, values):
    """How late is it, when the events that you are told are those of yesterday?

    Look at what every event carries (demand 4): it was written when the thing happened, where it happened.

    now = event["timestamp"], in note(); no time(), no datetime.now(), no monotonic().
    """
    events, limit = a_busy_hour(exercise, run, values)
    hours = values.randint(5, 50)
    lags = (events, values.sample(range(60, 600), k=len(events)))
    now, again, then, slow = (
        [(name, round(seconds, 1)) for _, name, seconds in reports(exercise, limit, told)]
        for told in (
            events,
            events,
            [shifted(event, hours) for event in events],
            [{**event, "local_received": event["timestamp"] + lag} for event, lag in zip(*lags, strict=True)],
        )
    )
    expect(
        again,
        now,
        what="the reports of two objects of Late, one after the other, that were told the same events",
        idea="What one Late was told belongs to it: keep it in self, and make it in __init__.",
    )
    expect(
        then,
        now,
        what=f"the reports of the same events, and of a recording of them that is {hours} hours old",
        idea=(
            "This computer's clock knows when you hear of something, and the event's timestamp knows when it happened."
            " If you mix the two, you count the way of the events as waiting."
        ),
    )
    expect(
        slow,
        now,
        what="the reports of the same events, and of those events when they were minutes on their way to you",
        idea="local_received is when the receiver got an event; when the thing happened is in timestamp.",
    )


@pytest.mark.judges(1, 2, 3, 8)
def check_each_report_comes_at_the_first_event_that_shows_it(exercise, expect, values):
    """Which events can show that a task has waited too long, and how many tasks can one event show?

    Demands 1 to 3: "more than", "at each one", "all tasks". Follow a task by hand, from event to event.

    for late, (name, since) in list(self.waiting.items()): … comes before self.waiting loses what has started just now
    """
    start, limit = float(values.randint(1_500_000_000, 1_700_000_000)), values.randint(3, 9) / 4
    told = []
    late, other = (exercise.Late(limit, lambda *report: told.append(report)) for _ in range(2))
    letters = [uuid() for _ in range(4)]

    def report(of, seconds):
        return of, "exercise.open_letter", seconds

    def said():
        found, told[:] = sorted(told), []
        return found

    late.note(written("task-sent", start, uuid=letters[0]))
    late.note(written("task-sent", start, uuid=letters[1]))
    late.note(written("worker-heartbeat", start + limit))
    expect(
        said(),
        [],
        what=f"the reports when two letters had waited for {limit} s exactly; the limit was {limit} s",
        idea="A task is late when it has waited for more than the limit, not for the limit itself.",
    )
    late.note(written("worker-heartbeat", start + limit + 0.25))
    both = said()
    expect(
        [letter for letter, _, _ in both],
        sorted(letters[:2]),
        what=f"who was reported at the next heartbeat, when the two letters had waited for {limit + 0.25} s",
        idea="One event shows how late it is for all tasks that wait: look at each of them.",
    )
    expect(
        both,
        sorted(report(letter, limit + 0.25) for letter in letters[:2]),
        what="these two reports",
        idea=(
            "A report has the task's uuid, its whole name, and how long it has waited by then, not rounded: the "
            "event's timestamp less that of the task-sent."
        ),
    )
    late.note(written("worker-heartbeat", start + 4 * limit))
    expect(
        said(),
        [],
        what="the reports at a later heartbeat, when both had been reported",
        idea="Each task is reported once at most.",
    )
    late.note(written("task-sent", start + 4 * limit, uuid=letters[2]))
    late.note(written("task-started", start + 6 * limit, uuid=letters[2]))
    expect(
        said(),
        [report(letters[2], 2 * limit)],
        what=f"the reports when a letter's task-started came {2 * limit} s after its task-sent, and nothing between",
        idea="Its own start is the first event that shows it: look at all who wait, and only then take it out.",
    )
    late.note(written("task-sent", start + 6 * limit, uuid=letters[3]))
    other.note(written("worker-heartbeat", start + 9 * limit))
    expect(
        said(),
        [],
        what="what a second Late reported, which wasn't told of any task",
        idea="What one Late was told belongs to it: keep it in self, and make it in __init__.",
    )
    late.note(written("task-received", start + 8 * limit, uuid=uuid()))
    expect(
        said(),
        [report(letters[3], 2 * limit)],
        what=f"the reports at the task-received of another task, when a letter had waited for {2 * limit} s",
        idea=(
            "Every event brings the time along, not only a heartbeat, and not only those of the task itself: look at "
            "all who wait, whatever the event is about."
        ),
    )


@pytest.mark.judges(1, 2)
def check_waiting_ends_when_the_task_starts(exercise, run, expect, values):
    """From which event to which does a task wait, and what may have been said of it already when it starts?

    Demands 1 and 2. Keep what was sent in a dictionary, by uuid, and look at who is in there at each event; whoever
    has started, or was reported, needn't be looked at again.

    for late, (name, since) in list(self.waiting.items()): if now - since > self.limit: report it, and take it out
    """
    events, limit = a_busy_hour(exercise, run, values)
    letters = sum(e["type"] == "task-sent" and e["name"].endswith("open_letter") for e in events)
    started = {e["uuid"]: e["timestamp"] for e in events if e["type"] == "task-started"}
    sent = {e["uuid"]: e["timestamp"] for e in events if e["type"] == "task-sent"}
    for what, told in ("without heartbeats", events), ("with heartbeats", with_heartbeats(events)):
        said = reports(exercise, limit, told)
        expect(
            names(said),
            ["open_letter"] * letters,
            what=f"which tasks were reported, {what}: {letters} letters waited behind a call, all others began at once",
            idea=(
                f"The limit was {limit:.2f} s. The call runs for long, but it didn't wait. The letters wait on a "
                "worker that has received them and can't start them yet. Each of them is late once."
            ),
        )
        wrong = [
            round(seconds, 3) for task, _, seconds in said if not limit <= seconds <= started[task] - sent[task] + 0.01
        ]
        expect(
            wrong,
            [],
            what=f"reported seconds, {what}, that are below the limit or more than the letter waited in all",
            idea=(
                "What is reported is how long the task has waited by then: the time of the event that you are told "
                "just now, less the time of its task-sent."
            ),
        )


@pytest.mark.judges(3)
def check_what_never_starts_is_reported_too(exercise, run, expect, values):
    """Nobody reads the queue: which events does that task get, and which events come all the same?

    Demand 3: look at all who wait, whatever the event is about. Some events are about no task, and have no uuid.

    uuid = event.get("uuid"), and the look at self.waiting comes at every event, not only at a task-started.
    """
    limit = values.randint(4, 9) / 10
    with run() as seen:
        exercise.open_letter.apply_async(queue="exercise12-nobody")
        exercise.water_flowers.delay().get(timeout=5, interval=0.02)
    quick = max(limit, *(2 * delay for delay in seen.delays("water_flowers")))
    said = reports(exercise, quick, with_heartbeats(in_order(seen.events), seconds=3 * quick))
    expect(
        names(said),
        ["open_letter"],
        what="who was reported, when a letter was sent to a queue that no worker reads",
        idea=(
            "Its task-sent is all that will ever be heard of it. Only the other events tell that time goes on: those "
            "of other tasks, and the workers' heartbeats."
        ),
    )
    expect(
        [seconds < quick + 3 * BEAT for _, _, seconds in said],
        [True],
        what=f"whether it was reported within {3 * BEAT:g} s of being late, where a heartbeat came every {BEAT:g} s",
        idea="At each event, look whether somebody's time is up by now.",
    )


@pytest.mark.judges(5)
def check_a_countdown_is_no_waiting(exercise, run, expect, values):
    """Is a task late that was sent at nine, to be run at ten, and starts at ten?

    Demand 5: a task-sent says when its task may begin. datetime has a function that reads such a text.

    since = datetime.fromisoformat(event["eta"]).timestamp() if event["eta"] else event["timestamp"]
    """
    countdown = values.randint(6, 9) / 10
    with run() as seen:
        exercise.water_flowers.delay().get(timeout=5, interval=0.02)
        lost = exercise.open_letter.apply_async(countdown=countdown, queue="exercise12-nobody-either")
        exercise.water_flowers.apply_async(countdown=countdown).get(timeout=5, interval=0.02)
    overdue = max(seen.delays("water_flowers")) - countdown
    limit = max(countdown / 2, overdue + 0.2)
    said = reports(exercise, limit, with_heartbeats(in_order(seen.events), seconds=2 * limit + countdown))
    expect(
        names(said),
        ["open_letter"],
        what=f"which tasks were reported: two were to run {countdown} s later, the flowers did, the letter never",
        idea=(
            f"The limit was {limit:.2f} s. Until its eta a task waits for its time and not for a worker; from then on "
            "it waits like any other task, and may be late."
        ),
    )
    expect(
        [task == lost.id and limit <= seconds < limit + 3 * BEAT for task, _, seconds in said],
        [True],
        what="whether it was reported once it had waited that long, counted from its eta",
        idea="Its waiting begins at the eta, not at the sending.",
    )
    start, offset = float(values.randint(1_500_000_000, 1_700_000_000)), values.randint(1, 9)
    eta = datetime.fromtimestamp(start + 100, timezone(timedelta(hours=offset))).isoformat()
    told = [
        written("task-sent", start, uuid=uuid(), name="exercise.water_flowers", eta=eta),
        written("task-sent", start + 1, uuid=uuid()),
        written("worker-heartbeat", start + 3),
        written("worker-heartbeat", start + 102),
    ]
    expect(
        reports(exercise, 1, told[:3]),
        [(told[1]["uuid"], "open_letter", 2.0)],
        what="the reports when flowers have a countdown of 100 s, and a letter sent after them has waited for 2 s",
        idea=(
            "Who was sent first isn't always late first: a task whose time hasn't come stands before others that are "
            "late already. Look at each task, also behind one that isn't late."
        ),
    )
    expect(
        reports(exercise, 1, told)[1:],
        [(told[0]["uuid"], "water_flowers", 2.0)],
        what=f"the reports 2 s after the eta {eta}, beside the letter's",
        idea=(
            "The end of an eta says by how much its clock differs from UTC. That is the sender's, and not always "
            "+00:00: let fromisoformat() read it, and don't replace it. timestamp() of the result heeds it."
        ),
    )


@pytest.mark.judges(6, 7)
def check_who_is_revoked_waits_no_longer(exercise, run, expect, values):
    """What else than a start can end the waiting?

    Demand 6: a worker that finds a revoked task throws it away, and says so in an event of its own.

    if event["type"] in ("task-started", "task-revoked"): it no longer waits
    """
    revoked, limit = uuid(), values.randint(4, 9) / 10
    with run() as seen:
        exercise.app.control.revoke(revoked, reply=True, limit=1, timeout=5)
        exercise.open_letter.apply_async(task_id=revoked)
        exercise.water_flowers.delay().get(timeout=5, interval=0.02)
    assert "task-revoked" in Counter(e["type"] for e in seen.events), "The worker didn't hear of the revoking in time."
    took = [e["timestamp"] for e in seen.events]
    limit = max(limit, 2 * (max(took) - min(took)))
    events = in_order(seen.events)
    sent_last = [e for e in events if e["uuid"] != revoked]
    sent_last += sorted((e for e in events if e["uuid"] == revoked), key=lambda e: e["type"] == "task-sent")
    for order, told in ("told in order", events), ("with its task-sent after its task-revoked", sent_last):
        expect(
            names(reports(exercise, limit, with_heartbeats(told, seconds=3 * limit))),
            [],
            what=f"which tasks were reported, when a letter was revoked before a worker could start it, {order}",
            idea=(
                "It never starts, but it doesn't wait any more either. Without that, each revoked task is an alarm. "
                "And remember it: its task-sent may arrive after the news of its end."
            ),
        )


@pytest.mark.judges(7, 8)
def check_events_in_the_wrong_order(exercise, run, expect, values):
    """If a start is told first and the sending afterwards, is the task waiting then?

    Demand 7: taking a task out when it starts isn't enough, if it wasn't in yet. Whoever has started once never
    waits again, so remember that.

    if event["type"] == "task-sent" and event["uuid"] not in self.over: …, where self.over holds all that have started
    """
    events, limit = a_busy_hour(exercise, run, values)
    flowers = next(e["uuid"] for e in events if e.get("name", "").endswith("water_flowers"))
    mine = [e for e in events if e["uuid"] == flowers]
    late_sent = [*(e for e in mine if e["type"] != "task-sent"), *(e for e in mine if e["type"] == "task-sent")]
    others = [e for e in events if e["uuid"] != flowers]
    told = with_heartbeats([*late_sent, *others], seconds=2 * limit)
    said, again = reports(exercise, limit, told), reports(exercise, limit, told)
    expect(
        names(said).count("water_flowers"),
        0,
        what=(
            "how often water_flowers was reported, which started at once, but whose task-sent came after its task-"
            "started"
        ),
        idea=(
            "Caller and worker are two processes, and each sends its own events: which arrive first is a matter of "
            "chance. A task that has started isn't waiting, whatever is told of it later."
        ),
    )
    letters = sum(e["type"] == "task-sent" and e["name"].endswith("open_letter") for e in events)
    expect(
        names(said),
        ["open_letter"] * letters,
        what="who was reported",
        idea="The letters did wait, and were told in order.",
    )
    expect(
        again,
        said,
        what="what a second Late reported of the same events, and what the first did",
        idea="What one Late was told belongs to it: keep it in self, and make it in __init__.",
    )
