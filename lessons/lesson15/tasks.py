"""Lesson 15 · A document pipeline: the workers' tasks, which delegate. One worker for each kind of work:

celery -A lesson15.tasks worker --loglevel=info --concurrency=2 --queues=lesson15.document_processing --hostname=documents@%h
celery -A lesson15.tasks worker --loglevel=info --concurrency=1 --queues=lesson15.chat_processing,lesson15 --hostname=chat@%h
"""  # noqa: E501

from typing import Any

from sqlalchemy.exc import DBAPIError

from lesson15 import answering, pipeline
from lesson15.celery_app import app
from lesson15.names import TaskNames
from lesson15.settings import EXTRACT_SECONDS, STAGE_SECONDS

stage = {"soft_time_limit": STAGE_SECONDS, "time_limit": STAGE_SECONDS + 10}

# A message is acknowledged before its task runs (Celery's default), so a killed worker has lost it. That is fine: it
# was only a nudge. The document stands in the database, and is sent again once nobody was heard of for LEASE_SECONDS.


@app.task(name=TaskNames.EXTRACT, soft_time_limit=EXTRACT_SECONDS, time_limit=EXTRACT_SECONDS + 10)
def extract(document_id: int, attempt: int) -> str:
    return pipeline.extract(document_id, attempt)


@app.task(name=TaskNames.EMBED, **stage)
def embed(document_id: int, attempt: int, first: int) -> str:
    return pipeline.embed_batch(document_id, attempt, first)


@app.task(name=TaskNames.INDEX, **stage)
def index(document_id: int, attempt: int) -> str:
    return pipeline.index(document_id, attempt)


@app.task(name=TaskNames.ANSWER, ignore_result=False, **stage)  # somebody waits for what it returns
def answer(question: str, documents: list[int] | None) -> dict[str, Any]:
    return answering.answer(question, documents)


@app.task(name=TaskNames.FIND_STUCK, ignore_result=False, **stage)
def find_stuck() -> int:
    try:
        return pipeline.find_stuck()
    except DBAPIError:  # not there yet, or starting again: the next tick is near
        return 0


@app.task(name=TaskNames.CLEAN_UP, ignore_result=False, **stage)
def clean_up() -> int:
    return pipeline.clean_up()
