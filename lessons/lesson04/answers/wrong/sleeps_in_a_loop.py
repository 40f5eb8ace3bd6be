"""check_the_task_is_run_again: It sleeps in a loop inside the task: Celery sees no retry, and the pool process isn't
free for other tasks.
"""

from time import sleep


@app.task
def fetch(product: str, down_for: int) -> str:
    for attempt in range(3):
        try:
            return ask_server(product, attempt, down_for)
        except ConnectionError:
            sleep(0.2 * 2**attempt)
    return ask_server(product, 3, down_for)
