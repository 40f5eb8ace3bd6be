"""Lesson 16 · Experiments with messages that are handed out again while somebody is still at work on them."""

from global_config import RABBITMQ_URL
from lesson16.lab import Lab, experiment, until, wait_for, wait_for_end
from lesson16.proxy import proxy
from lesson16.tasks import charge, charge_late


@experiment("Redis", cure="a unique key")
def visibility_timeout(lab: Lab) -> tuple[int, int]:
    """A task with acks_late takes longer than the visibility timeout of Redis. How often is the card charged, when the
    task has been handed out twice?

    Redis can't see who is at work. What isn't acknowledged in time, an hour unless set and 2 s here, is handed out
    again, and again. Let the timeout be longer than your longest task; and let a task that is run twice do nothing
    twice: a key that can be written only once decides which of the runs charges.
    """
    broken, cured = (lab.send(charge_late, seconds=60, once=once) for once in (False, True))
    for order in broken, cured:
        wait_for(order, "begun", 2)
    for order in broken, cured:
        order.go_on()
        until(lambda order=order: order.count("ended") == order.count("begun"), "all of its runs have ended")  # type: ignore[misc]
    return broken.count("charged"), cured.count("charged")


@experiment("Redis", cure="--disable-prefetch")
def taken_ahead(lab: Lab) -> tuple[int, int]:
    """A worker with one process takes four messages ahead, with early ack, and its slow task takes longer than the
    visibility timeout of Redis. A second worker comes to help. How often is each of the four cards charged?

    A message that waits in a worker isn't acknowledged yet, with early ack too, so Redis hands it out again. The
    timeout has to be longer than your longest task times the multiplier + 1: with the default multiplier of 4, tasks of
    20 minutes exceed the hour. With --disable-prefetch a worker takes a message only when one of its processes is free.
    """
    return charge_after_the_slow_one(lab, 4), charge_after_the_slow_one(lab, 0, "--disable-prefetch")


def charge_after_the_slow_one(lab: Lab, taken: int, *options: str) -> int:
    """How often the cards of four orders are charged; the worker that runs a slow task takes `taken` of them ahead."""
    queue = lab.queue()
    lab.worker(queue, "--concurrency=1", *options)
    slow = lab.send(charge, queue=queue, seconds=60)
    wait_for(slow, "begun")
    orders = [lab.send(charge, queue=queue) for _ in range(4)]
    until(lambda: lab.waiting(queue) == 4 - taken, f"{taken} of 4 are taken ahead")
    lab.rescue(queue)
    for order in orders:
        wait_for(order, "ended")
    slow.go_on()
    wait_for_end(slow)
    for order in orders:
        wait_for(order, "ended", 2 if taken else 1)
    return max(order.count("charged") for order in orders)


@experiment("Redis", cure="a unique key")
def long_countdown(lab: Lab) -> tuple[int, int]:
    """With a countdown of 3.5 s and a visibility timeout of 2 s, how often is the card charged?

    A task waits for its time in the memory of a worker, its message unacknowledged, and the timeout takes no notice.
    What has to wait for longer than that belongs in your database, where a periodic task finds it when it is due.
    """
    broken, cured = (lab.send(charge, options={"countdown": 3.5}, once=once) for once in (False, True))
    for order in broken, cured:
        wait_for(order, "ended", 2)
    return broken.count("charged"), cured.count("charged")


@experiment("Redis", cure="a unique key")
def frozen_worker(lab: Lab) -> tuple[int, int]:
    """A worker is frozen by SIGSTOP in the middle of a task with acks_late, as a virtual machine is when it is moved.
    Another one gets the message. Then the first one thaws. How often is the card charged?

    Who was frozen doesn't know it. No timeout and no lock tells it that somebody else has done its work meanwhile;
    a unique key does, in the moment when it counts.
    """
    queue = lab.queue()
    worker = lab.worker(queue, "--concurrency=2")
    broken, cured = (lab.send(charge_late, queue=queue, seconds=60, once=once) for once in (False, True))
    for order in broken, cured:
        wait_for(order, "begun")
    frozen = worker.family()
    lab.rescue(queue)
    for order in broken, cured:
        wait_for(order, "ended")
        order.go_on()
    for process in frozen:
        process.resume()
    for order in broken, cured:
        wait_for(order, "ended", 2)
    return broken.count("charged"), cured.count("charged")


@experiment("RabbitMQ", cure="worker_cancel_long_running_tasks_on_connection_loss=True")
def connection_cut(lab: Lab) -> tuple[int, int]:
    """The connection of a worker is cut in the middle of a task with acks_late, and it connects again. How often is
    the card charged?

    RabbitMQ hands out again what the lost connection hadn't acknowledged, while the first run goes on. Celery 6 will
    cancel that run, and with this setting 5.7 does so too.
    """
    cancelling = "--", "worker.cancel_long_running_tasks_on_connection_loss=true"
    with proxy(RABBITMQ_URL) as (address, cut):
        orders = []
        for options in (), cancelling:
            queue = lab.queue()
            lab.worker(queue, "--concurrency=2", *options, RABBITMQ_URL=address)
            orders.append(lab.send(charge_late, queue=queue, seconds=60))
        for order in orders:
            wait_for(order, "begun")
        cut()
        for order in orders:
            wait_for(order, "charged")  # by the second run, which doesn't wait
        for order in reversed(orders):
            order.go_on()
        wait_for(orders[0], "charged", 2)
        return orders[0].count("charged"), orders[1].count("charged")
