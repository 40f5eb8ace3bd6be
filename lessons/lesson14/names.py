"""The names of the tasks: all that a caller and a worker have to share."""

from enum import StrEnum


class TaskNames(StrEnum):
    """StrEnum, because a `str, Enum` would show as TaskNames.PROCESS_JOB in half of the log lines."""

    PROCESS_JOB = "tasks.process_job"
