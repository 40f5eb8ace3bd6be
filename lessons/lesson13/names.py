"""Lesson 13 · A web API in front of a worker: the tasks' names, which are all that the API knows of them."""

from enum import StrEnum


class TaskNames(StrEnum):
    ADD = "arithmetic.add"
    SUBTRACT = "arithmetic.subtract"
    MULTIPLY = "arithmetic.multiply"
    DIVIDE = "arithmetic.divide"
    SQUARE = "arithmetic.square"
    TOTAL = "arithmetic.total"
    COUNT = "documents.count"
    INFO = "requests.info"
