"""Lesson 02 · Chain: send several tasks as one, each working on what the one before it returned.

python -m lesson02.call_tasks
"""

from celery import chain, uuid
from celery.result import AsyncResult

from classroom.driver import run_driver
from lesson02.tasks import add, add_and_multiply, app, divide, multiply, subtract


def run_four_links() -> None:
    ids = {name: uuid() for name in ("add", "multiply", "divide", "subtract")}  # new in each run
    receipt = chain(
        add.s(1, 2).set(task_id=ids["add"]),
        multiply.s(3).set(task_id=ids["multiply"]),
        divide.s(7).set(task_id=ids["divide"]),
        subtract.s(2).set(task_id=ids["subtract"]),
    ).apply_async()  # sends add alone; its message carries the other three
    print("the chain gave", receipt.get(timeout=10))
    for name, task_id in ids.items():
        link = AsyncResult(task_id, app=app)
        print(f"  {name:8} {link.get(timeout=10):<19} from {link.args}")
    print("  backwards:", receipt.get(timeout=10), "came after", receipt.parent.get(timeout=10))


def take_nothing() -> None:
    receipt = (add.s(1, 2) | multiply.si(10, 10)).apply_async()  # | makes a chain as well
    print("after .si() nothing is passed on:", receipt.get(timeout=10))


def fail_in_the_middle() -> None:
    receipt = chain(add.s(1, 2), divide.s(0), subtract.s(2)).apply_async()
    print("a link that fails:", repr(receipt.get(timeout=10, propagate=False)))
    for name, link in ("add", receipt.parent.parent), ("divide", receipt.parent), ("subtract", receipt):
        print(f"  {name:8} {link.state} {'on a worker' if link.worker else 'without ever reaching a worker'}")


def wait_inside_a_task() -> None:
    error = add_and_multiply.delay(1, 2, 3).get(timeout=10, propagate=False)
    print("get() inside a task:", str(error).splitlines()[0])


def main() -> None:
    run_four_links()
    take_nothing()
    fail_in_the_middle()
    wait_inside_a_task()


if __name__ == "__main__":
    run_driver(main, app)
