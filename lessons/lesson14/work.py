"""The work of a step. Here it takes time and does nothing; yours goes in its place."""

from time import sleep

from lesson14.settings import FAIL_STEP, STEP_SECONDS


def do_step(job_id: int, step_number: int) -> None:
    """Do one step. May be done again, where a worker died before it could say that it was done.

    So what it does outside of the database should do no harm the second time: `job_id` and `step_number` together make
    an idempotency key for whoever you call.
    """
    if step_number == FAIL_STEP:
        raise RuntimeError(f"FAIL_STEP={FAIL_STEP}")
    sleep(STEP_SECONDS)
