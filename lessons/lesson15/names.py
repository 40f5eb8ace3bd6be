"""The names of tasks and queues: all that a caller and a worker have to share."""

from enum import StrEnum

DOCUMENTS = "lesson15.document_processing"
CHAT = "lesson15.chat_processing"
HOUSEKEEPING = "lesson15"


class TaskNames(StrEnum):
    """What stands before the dot decides the queue."""

    EXTRACT = "documents.extract"
    EMBED = "documents.embed"
    INDEX = "documents.index"
    ANSWER = "chat.answer"
    FIND_STUCK = "housekeeping.find_stuck"
    CLEAN_UP = "housekeeping.clean_up"
