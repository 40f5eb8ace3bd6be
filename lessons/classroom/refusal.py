"""The one exception for what the course refuses to do."""


class Refusal(Exception):
    """A sentence that says what is wrong and what to type.

    `lesson`, `python -m classroom.postgres` and `run_driver` print it on stderr and exit with status 1.
    """
