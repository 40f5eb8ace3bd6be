"""Lesson 16 · Experiments with chords: a callback that is never called, and a failure that nobody hears of."""

from celery import chord

from lesson16 import book
from lesson16.lab import Lab, experiment, until
from lesson16.tasks import call_back, charge, decline, send_receipt


@experiment("files", "RabbitMQ", cure="keep the results of a header")
def chord_ignored(lab: Lab) -> tuple[int, int]:
    """The header of a chord ignores its results (here: in SQLite or PostgreSQL). How many receipts does its callback
    send?

    With results in a database, the task celery.chord_unlock asks every second whether all are there, and gives up
    never. (Redis counts as the header's tasks end, and would have called.)
    """
    endless = lab.queue()  # one of its own for the task that goes on asking
    lab.worker(endless, "--concurrency=2")
    paths = []
    for queue, ignore in (endless, True), (lab.app.main, False):
        path = lab.path()
        header = [charge.s(path).set(queue=queue, ignore_result=ignore) for _ in range(2)]
        chord(header)(send_receipt.s(order=path).set(queue=queue))
        until(lambda path=path: book.count(path, "ended") == 2, "the header is done")  # type: ignore[misc]
        paths.append(path)
    until(lambda: book.count(paths[1], "receipt sent"), "a receipt is sent")
    return book.count(paths[0], "receipt sent"), book.count(paths[1], "receipt sent")


@experiment("files", "RabbitMQ", cure="on_error, on the callback")
def chord_failed(lab: Lab) -> tuple[int, int]:
    """One of two tasks in the header of a chord fails. How many people are told?

    The callback isn't called. Its state becomes FAILURE, for whoever asks; on_error has a task called for it.
    """
    told = []
    for on_error in False, True:
        path = lab.path()
        receipt = send_receipt.s(order=path)
        if on_error:
            receipt = receipt.on_error(call_back.si(path))
        result = chord([charge.s(lab.path()), decline.s(path)])(receipt)
        until(result.ready, "the callback has failed")
        if on_error:
            until(lambda path=path: book.count(path, "called back"), "somebody is told")  # type: ignore[misc]
        told.append(book.count(path, "called back"))
    return told[0], told[1]
