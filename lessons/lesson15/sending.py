"""Messages to the workers. What comes next for a document stands in its row, and can be said any number of times."""

import logging

from kombu.exceptions import OperationalError
from sqlalchemy import Row

from lesson15.celery_app import app
from lesson15.names import TaskNames
from lesson15.settings import BATCH

log = logging.getLogger(__name__)

UNSENT = (OperationalError, OSError)  # what send_task raises if the broker isn't available


def send_next(document: Row) -> bool:
    """Send what comes next for a document; returns False, and loses nothing, where the broker can't be had.

    By name, because the tasks' code belongs to the workers. No retry here: what isn't sent comes due. `ignore_result`
    for each call: send_task doesn't read task_ignore_result, and would subscribe to the result in Redis.
    """
    attempt = [document.id, document.attempt]
    options = {"retry": False, "ignore_result": True}
    try:
        if document.chunks is None:
            app.send_task(TaskNames.EXTRACT, args=attempt, task_id=document.task_id, **options)
        elif document.embedded < document.chunks:
            for first in range(0, document.chunks, BATCH):
                app.send_task(TaskNames.EMBED, args=[*attempt, first], **options)
        else:
            app.send_task(TaskNames.INDEX, args=attempt, **options)
    except UNSENT as error:
        log.warning("document %s can't be sent now, and will be: %s", document.id, str(error).partition("\n")[0])
        return False
    return True
