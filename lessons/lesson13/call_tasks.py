"""Lesson 13 · A web API in front of a worker: a caller, who speaks HTTP and knows nothing of Celery.

python -m lesson13.call_tasks
"""

from json import dumps
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx

from classroom.driver import run_driver
from lesson13.client import api
from lesson13.tasks import app


def ask(method: str, path: str, body: dict | None = None) -> Any:
    """Send a request, and print it with the status of its answer; returns the answer."""
    try:
        answer = api.request(method, path, json=body)
    except httpx.ConnectError:
        raise ConnectionError(f"nothing answers at {api.base_url}. Start it: python -m lesson13.api") from None
    asked = f"{method} {path.replace(NOBODYS, '<an id that nobody issued>')}"
    print(answer.status_code, asked, *([dumps(body)] if body else []))
    return answer.json()


def outcome(accepted: dict, wait: float = 10) -> dict:
    """What became of a piece of work, once it has ended, or after `wait` seconds."""
    return api.get(accepted["result_url"], params={"wait": wait}).json()


def seen_as(accepted: dict, state: str) -> dict:
    """What the API says of a piece of work once it is in this state."""
    deadline = monotonic() + 10
    while (seen := outcome(accepted, wait=0.05))["state"] != state:
        assert monotonic() < deadline, f"it is {seen}, and not {state}"
    return seen


def tell(seen: dict) -> None:
    print("   ", seen["state"], seen["error"] or seen["result"])


def ask_for_results() -> None:
    print("   ", ask("GET", "/ready"))
    tell(outcome(ask("POST", "/add", {"x": 2, "y": 5})))
    tell(outcome(ask("GET", "/add/2/5")))
    tell(outcome(ask("POST", "/chain", {"start": 2, "steps": [["add", 3], ["multiply", 4]]})))
    tell(outcome(ask("POST", "/chain", {"start": 2, "steps": [["subtract", 1], ["divide", 0], ["add", 1]]})))
    tell(outcome(ask("POST", "/chord", {"numbers": [1, 2, 3]})))
    for member in outcome(ask("POST", "/group", {"numbers": [1, 2, 1_000_000_000]}))["members"]:
        tell(member)
    info = outcome(ask("POST", "/test-request-info"))["result"]
    print("   ", info["task_name"], info["args"], info["kwargs"], "retries:", info["retries"])


def watch_states() -> None:
    documents = [ask("POST", "/documents/count", {"name": "walden.txt"}) for _ in range(2)]
    line = [seen_as(document, "PROGRESS")["progress"]["current"] for document in documents]  # two processes are busy
    number = ask("POST", "/add", {"x": 2, "y": 5})
    print("   ", outcome(number, wait=0)["state"], f"while each document is at its line ≈ {line[0]}")
    for work in (*documents, number):
        tell(outcome(work))
    missing = ask("POST", "/documents/count", {"name": "missing.txt"})
    tell(seen_as(missing, "RETRY"))
    tell(outcome(missing))


def be_refused() -> None:
    for method, path, body in REFUSED:
        error = ask(method, path, body)["error"]
        print("   ", f"{error['code']}: {error['message']}")


NOBODYS = str(uuid4())
REFUSED: list[tuple[str, str, dict | None]] = [
    ("GET", f"/result/{NOBODYS}", None),
    ("GET", "/result/42", None),
    ("POST", "/add", {"x": "two", "y": 5}),
    ("POST", "/documents/count", {"name": "../tasks.py"}),
    ("DELETE", "/add", None),
]


def main() -> None:
    ask_for_results()
    watch_states()
    be_refused()


if __name__ == "__main__":
    run_driver(main, app)
