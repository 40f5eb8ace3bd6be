"""Lesson NN · TITLE: what the caller does.

python -m lessonNN.call_tasks
"""

from classroom.driver import run_driver
from lessonNN.tasks import add, app


def call_add() -> None:
    print("add(2, 3) on a worker:", add.delay(2, 3).get(timeout=10))


def main() -> None:
    call_add()


if __name__ == "__main__":
    run_driver(main, app)
