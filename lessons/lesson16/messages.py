"""Lesson 16 · Experiments with messages: of an unknown task, in a language that is refused, and too large."""

from lesson16.lab import Lab, experiment, until, wait_for
from lesson16.tasks import charge


@experiment("files", "RabbitMQ", cure="new workers first, then those who call them")
def unknown_task(lab: Lab) -> tuple[int, int]:
    """The web server is new already and sends a refund; the workers are of yesterday, and don't know that task. Then
    they are replaced. How many of 1 refunds are made?

    A worker rejects what it doesn't know, logs "Received unregistered task", and stores NotRegistered. The broker drops
    the message, unless it is RabbitMQ and the queue has a dead-letter exchange.
    """
    old, new = lab.queue(), lab.queue()
    lab.rescue(old)  # the lesson's own worker doesn't know refunds
    broken = lab.send("refund", queue=old)
    lab.read_up_to_here(old)
    lab.worker(new, "--concurrency=1", f"--queues={old},{new}", "--include=lesson16.refunds")
    cured = lab.send("refund", queue=new)
    wait_for(cured, "refunded")
    return broken.count("refunded"), cured.count("refunded")


@experiment("files", "RabbitMQ", "Redis", cure="JSON, as is the default")
def unreadable_message(lab: Lab) -> tuple[int, int]:
    """A message is written with serializer="pickle". How often is the card charged?

    A pickle can run any code, so a worker takes only JSON, unless accept_content says otherwise. What it can't read it
    throws away; its log has ContentDisallowed, and whoever waits for the result waits for ever.
    """
    queue = lab.queue()
    lab.rescue(queue)
    orders = [lab.send(charge, queue=queue, options={"serializer": each}) for each in ("pickle", "json")]
    lab.read_up_to_here(queue)
    wait_for(orders[1], "charged")
    return orders[0].count("charged"), orders[1].count("charged")


@experiment("files", "RabbitMQ", "Redis", cure="send the name of the file")
def large_message(lab: Lab) -> tuple[int, int]:
    """A file of 1 MB, all zeros, is an argument of a task. How many MB has the message?

    JSON knows text alone, and writes each zero as \\u0000. Files and Redis then make it a third larger, for their
    base64. Brokers have limits too: 16 MB in RabbitMQ 4, 512 MB in Redis.
    """
    queue = lab.queue()
    sizes = []
    for argument in bytes(1_000_000), "photo.jpg":
        lab.send(charge.name, queue=queue, photo=argument)
        message = until(lambda: lab.take(queue), "the message is there")
        sizes.append(round(len(message.body) / 1e6) if message else 0)
    return sizes[0], sizes[1]
