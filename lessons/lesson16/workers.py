"""Lesson 16 · Experiments with those who do the work: processes and whole workers that are killed, or told to stop."""

from signal import SIGQUIT, SIGTERM

from celery import Task

from lesson16.lab import Lab, experiment, until, wait_for, wait_for_end
from lesson16.tasks import charge, charge_late, charge_rejecting, charge_retrying


@experiment("files", "RabbitMQ", "Redis", cure="retry_on_worker_lost=True")
def child_killed(lab: Lab) -> tuple[int, int]:
    """The process of a task is killed on the way. How often is the card charged in the end?

    The message was acknowledged before the task ran, so nobody has it any more; the worker stores WorkerLostError.
    With retry_on_worker_lost it sends the task again, as a retry.
    """
    queue = lab.queue()
    lab.worker(queue, "--concurrency=2")
    broken, cured = (lab.send(task, queue=queue, deaths=1) for task in (charge, charge_retrying))
    wait_for_end(broken, cured)
    lab.wait_until_at_work(queue, 0)  # and the worker has told so, which is drawn
    return broken.count("charged"), cured.count("charged")


@experiment("files", "RabbitMQ", cure="reject_on_worker_lost=True")
def child_killed_late_ack(lab: Lab) -> tuple[int, int]:
    """The same with acks_late=True. How often is the card charged in the end?

    A task whose process died has failed, and what has failed is acknowledged, late or not: acks_late is for the loss
    of the whole worker. With reject_on_worker_lost the message goes back to the queue instead. (So on Redis as well;
    but there the visibility timeout of 2 s, which this lesson has, would have its own say.)
    """
    queue = lab.queue()
    lab.worker(queue, "--concurrency=2")
    broken, cured = (lab.send(task, queue=queue, deaths=1) for task in (charge_late, charge_rejecting))
    wait_for_end(broken, cured)
    return broken.count("charged"), cured.count("charged")


@experiment("files", "RabbitMQ", cure="retry_on_worker_lost=True, which counts")
def poison(lab: Lab) -> tuple[int, int]:
    """With reject_on_worker_lost=True, a task kills its process each time, but for the fifth. How often is it begun?

    Nobody counts rejected messages: without our mercy it would go on for ever. Retries are counted, here up to
    max_retries=2. (RabbitMQ 4 counts as well, in quorum queues: after 20 it throws the message away.)
    """
    queue = lab.queue()
    lab.worker(queue, "--concurrency=2")
    broken, cured = (lab.send(task, queue=queue, deaths=4) for task in (charge_rejecting, charge_retrying))
    wait_for_end(broken, cured)
    return broken.count("begun"), cured.count("begun")


@experiment("RabbitMQ", "Redis", cure="acks_late=True")
def worker_killed(lab: Lab) -> tuple[int, int]:
    """A whole worker is killed in the middle of a task, and another one reads its queue. How often is the card charged?

    With early ack the broker has forgotten the message. With acks_late RabbitMQ gives it to another worker as soon as
    the connection is gone; Redis after its visibility timeout. Files forget it in any case.
    """
    queue = lab.queue()
    worker = lab.worker(queue, "--concurrency=2")
    early, late = (lab.send(task, queue=queue, seconds=60) for task in (charge, charge_late))
    for order in early, late:
        wait_for(order, "begun")
    lab.wait_until_at_work(queue, 2)
    worker.kill_all()
    lab.rescue(queue)
    lab.read_up_to_here(queue)
    wait_for(late, "charged")
    return early.count("charged"), late.count("charged")


@experiment("files", "RabbitMQ", cure="--prefetch-multiplier=1, and acks_late=True")
def prefetch(lab: Lab) -> tuple[int, int]:
    """Five short tasks come after a slow one, to a worker with one process; then a second worker comes to help. How
    many of the five have to wait for the slow one?

    A worker takes four messages ahead for each of its processes (of files, one), and keeps them. With a multiplier of
    1 it takes one, and with acks_late the one that is running is that one. Or give slow tasks a queue of their own.
    """
    careless, careful = lab.queue(), lab.queue()
    lab.worker(careless, "--concurrency=1")
    lab.worker(careful, "--concurrency=1", "--prefetch-multiplier=1")
    taken = 1 if lab.broker == "files" else 4
    return stuck(lab, careless, charge, taken), stuck(lab, careful, charge_late, 0)


@experiment("files", "RabbitMQ", cure="acks_late=True")
def prefetch_multiplier_1(lab: Lab) -> tuple[int, int]:
    """The same with --prefetch-multiplier=1, and early ack. How many of the five have to wait for the slow one?

    The multiplier counts messages that aren't acknowledged. With early ack the running task was acknowledged when it
    began, so the worker takes one more. It isn't "one task at a time" either: --concurrency decides how many run.
    """
    early, late = lab.queue(), lab.queue()
    lab.worker(early, "--concurrency=1", "--prefetch-multiplier=1", f"--queues={early},{late}")
    return stuck(lab, early, charge, 1), stuck(lab, late, charge_late, 0)


def stuck(lab: Lab, queue: str, task: Task, taken: int) -> int:
    """How many of five short tasks stay with the worker of the queue, which runs a slow one and takes `taken` ahead."""
    slow = lab.send(task, queue=queue, seconds=60)
    wait_for(slow, "begun")
    short = [lab.send(task, queue=queue) for _ in range(5)]
    until(lambda: lab.waiting(queue) == 5 - taken, f"{taken} of 5 are taken")
    lab.rescue(queue)
    wait_for(short[-1], "ended")
    slow.go_on()
    wait_for_end(slow, *short)
    return sum(order.receipt.worker.startswith(lab.app.main) for order in short)  # the lesson's own is worker@…


@experiment("files", "RabbitMQ", "Redis", cure="a warm shutdown, by SIGTERM")
def cold_shutdown(lab: Lab) -> tuple[int, int]:
    """A worker is stopped by SIGQUIT in the middle of a task with early ack. How often is the card charged?

    Cold means now. What isn't acknowledged is handed back; this task was. A warm shutdown waits for what is running,
    however long; what runs containers waits 10 s, and then it kills. Let its grace period be longer than your tasks.
    """
    charged = []
    for number in SIGQUIT, SIGTERM:
        queue = lab.queue()
        worker = lab.worker(queue, "--concurrency=1")
        order = lab.send(charge, queue=queue, seconds=60)
        wait_for(order, "begun")
        lab.wait_until_at_work(queue)
        worker.send_signal(number)
        if number == SIGTERM:
            order.go_on()
        until(worker.ended, "the worker has ended")
        charged.append(order.count("charged"))
    return charged[0], charged[1]


@experiment("files", "RabbitMQ", cure="worker_soft_shutdown_timeout=3")
def soft_shutdown(lab: Lab) -> tuple[int, int]:
    """REMAP_SIGTERM=SIGQUIT makes a deploy a cold shutdown. One comes in the middle of a task with acks_late, which
    would have been done a moment later. How often is the task begun?

    It is cut, its message goes back, and another worker begins again: no task is lost, but the work done so far is. A
    soft shutdown waits that many seconds before it is cold. It waits for all of them if a task is running, even if the
    task ends sooner.
    """
    begun = []
    for options in (), ("--", "worker.soft_shutdown_timeout=3"):
        queue = lab.queue()
        worker = lab.worker(queue, "--concurrency=1", *options, REMAP_SIGTERM="SIGQUIT")
        order = lab.send(charge_late, queue=queue, seconds=60)
        wait_for(order, "begun")
        lab.wait_until_at_work(queue)
        worker.send_signal(SIGTERM)
        if options:
            order.go_on()
        until(worker.ended, "the worker has ended")
        lab.rescue(queue)
        wait_for(order, "charged")
        lab.read_up_to_here(queue)
        begun.append(order.count("begun"))
    return begun[0], begun[1]
