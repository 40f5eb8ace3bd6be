"""Lesson 16 · Experiments with those who send tasks: their database, their broker, their clock, their beats."""

import socket
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy import insert

from lesson16 import book, database, forked
from lesson16.database import find
from lesson16.lab import Lab, Worker, experiment, until, wait_for, wait_for_end
from lesson16.tasks import charge


@experiment("files", "RabbitMQ", cure="send it after the COMMIT")
def before_commit(lab: Lab) -> tuple[int, int]:
    """A task is sent within the transaction that writes its order. How many of 1 orders does it find?

    The worker is faster than the COMMIT, and nobody sees what isn't committed. After a ROLLBACK it would even look for
    an order that never was. Send when the transaction is over: SQLAlchemy has the event after_commit, Django has
    delay_on_commit().
    """
    database.tables.drop_all(database.engine)  # what a run left that was killed
    database.tables.create_all(database.engine)
    lab.stack.callback(database.tables.drop_all, database.engine)
    paths = lab.path(), lab.path()
    with database.engine.begin() as transaction:
        for path in paths:
            transaction.execute(insert(database.orders).values(path=path))
        early = lab.send(find, path=paths[0])
        wait_for(early, "ended")
    late = lab.send(find, path=paths[1])
    wait_for(late, "ended")
    return early.count("found"), late.count("found")


@experiment("files", "RabbitMQ", cure="engine.dispose(close=False) in each process as it begins")
def forked_engine(lab: Lab) -> tuple[int, int]:
    """A worker uses its database while it starts; then it forks four processes. How many connections do the four have?

    They inherit the open one, all of them, and with it the engine that believes it is alone. Two that talk at once read
    each other's answers. Let each process begin with an engine of its own, as forked.py does by a signal.
    """
    queue = lab.queue()
    lab.worker(queue, "--concurrency=4", "--include=lesson16.forked")
    connections = []
    for anew in False, True:
        path = lab.path()
        orders = [lab.send(forked.connection_of, path=path, queue=queue, anew=anew) for _ in range(4)]
        wait_for(orders[0], "begun", 4)
        orders[0].go_on()
        wait_for_end(*orders)
        connections.append(len({order.receipt.get(timeout=10) for order in orders}))
    return connections[0], connections[1]


def unused_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@experiment("files", "RabbitMQ", cure="note it in the same transaction, and send it when the broker is back")
def broker_down(lab: Lab) -> tuple[int, int]:
    """The broker doesn't answer when an order is placed; a moment later it is back. How many of 1 cards are charged?

    delay() tries for 0.6 s, and then raises OperationalError: nobody has the order. Who notes it first, beside the
    order in the database (an outbox), can send it again later; and then it may well come twice.
    """
    sender = Celery("sender", broker=f"amqp://127.0.0.1:{unused_port()}//", set_as_current=False)
    lost, noted = lab.path(), lab.path()
    outbox = [noted]
    with suppress(OperationalError):
        sender.send_task(charge.name, (lost,), queue="lesson16", ignore_result=True)
    with suppress(OperationalError):
        sender.send_task(charge.name, (noted,), queue="lesson16", ignore_result=True)
        outbox.remove(noted)
    orders = [lab.send(charge, path=path) for path in outbox]  # the broker is back
    lab.read_up_to_here()
    wait_for_end(*orders)
    return book.count(lost, "charged"), book.count(noted, "charged")


@experiment("files", "RabbitMQ", cure="ignore_result=True, where nobody asks for the result")
def result_store_down(lab: Lab) -> tuple[int, int]:
    """The broker answers, but Redis, where results go, doesn't. How many of 1 messages does delay() send?

    To hear of the result, delay() first subscribes to it. It tries for 19 s (here once more, and no longer), raises
    RuntimeError, and the message isn't sent. Without a result to wait for nobody subscribes.
    """
    sender = Celery(
        "sender", broker=lab.app.conf.broker_url, backend=f"redis://127.0.0.1:{unused_port()}", set_as_current=False
    )
    sender.config_from_object("global_config")
    sender.conf.result_backend_transport_options = {"retry_policy": {"max_retries": 1, "interval_start": 0}}
    queue = lab.queue()
    with suppress(RuntimeError):
        sender.send_task(charge.name, (lab.path(),), queue=queue)
    sent = lab.waiting(queue)
    sender.send_task(charge.name, (lab.path(),), queue=queue, ignore_result=True)
    until(lambda: lab.waiting(queue) > sent, "a message is there")
    return sent, lab.waiting(queue) - sent


@experiment("files", "RabbitMQ", cure="an eta with its time zone: datetime.now(UTC)")
def naive_eta(lab: Lab) -> tuple[int, int]:
    """Somebody in Seoul sends eta=datetime.now() + one minute. How many hours from now will the worker run the task?

    A time without a zone counts as UTC, whatever the setting `timezone` says, and Seoul is nine hours ahead. A
    countdown has no such trouble.
    """
    hours = []
    for now in datetime.now(ZoneInfo("Asia/Seoul")).replace(tzinfo=None), datetime.now(UTC):
        queue = lab.queue()
        lab.worker(queue, "--concurrency=1")
        lab.send(charge, queue=queue, options={"eta": now + timedelta(minutes=1)})
        until(lambda queue=queue: lab.ask(queue, "scheduled"), "it waits for its time")  # type: ignore[misc]
        (waiting,) = lab.ask(queue, "scheduled")
        hours.append(round((datetime.fromisoformat(waiting["eta"]) - datetime.now(UTC)) / timedelta(hours=1)))
    return hours[0], hours[1]


@experiment("files", "RabbitMQ", cure="a lock that only one beat can hold")
def two_beats(lab: Lab) -> tuple[int, int]:
    """Two copies of a container run a beat each, with a schedule of one entry. How many messages are sent each time it
    is due?

    A beat knows nothing of any other one. Run one beat, apart from the workers; or let it begin with a lock, as
    one_beat.py does on one machine, and for several pg_try_advisory_lock does.
    """
    queue = lab.queue()  # to which the schedule in tasks.py sends
    senders = []
    for command in "-m celery -A lesson16.tasks beat", f"-m lesson16.one_beat {lab.folder}/lock":
        options = "--no-enable-remote-control", f"--schedule={lab.folder}/schedule-"
        beats = [
            lab.process(f"{queue}-beat-{number}", *f"{command} {' '.join(options)}{number}".split())
            for number in range(2)
        ]
        sent: Counter[str] = Counter()

        def each_has_sent_two(beats: list[Worker] = beats, sent: Counter[str] = sent) -> bool:
            while message := lab.take(queue):
                sent[message.headers["origin"]] += 1
            return sum(number > 1 for number in sent.values()) >= sum(not beat.ended() for beat in beats)

        until(each_has_sent_two, "each beat that runs has sent two messages")
        for beat in beats:
            beat.kill_all()
        while lab.take(queue):
            pass
        senders.append(sum(number > 1 for number in sent.values()))
    return senders[0], senders[1]
