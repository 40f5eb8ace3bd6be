"""What the environment may change, and the bounds that hold everywhere."""

import os


def number(name: str, default: float, least: float = 0.0, most: float = 3600.0) -> float:
    """The number in the variable `name`; refuses with one sentence what isn't one from `least` to `most`."""
    text = os.environ.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise SystemExit(f"{name} is {text!r}, and must be a number from {least:g} to {most:g}.")
    return value


STEPS = int(number("STEPS", 3, least=1, most=1000))
STEP_SECONDS = number("STEP_SECONDS", 5)
FAIL_STEP = int(number("FAIL_STEP", 0))  # this step of every job fails; 0: none

# A job that nobody has been heard of for so long is sent again: it waits in no queue any more, or its worker is dead.
# A living worker says more often than that that it has the job.
LEASE_SECONDS = number("LEASE_SECONDS", 30, least=1)
SENDING_SECONDS = 5  # how long whoever took on to send a job has for that
ATTEMPTS = 10  # workers that may die over the same step before the job is given up
JOB_SECONDS = 3600  # for each message: a job that takes longer has failed; sent again, it gets as long again

MESSAGE_LENGTH = 500  # characters of a step's message that are kept
