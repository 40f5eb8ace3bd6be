"""Lesson 15 · A document pipeline: a client of the API, which uploads files, watches them, and asks.

python -m lesson15.call_tasks
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

from httpx import Response
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID

from classroom.driver import run_driver
from lesson15.celery_app import app
from lesson15.client import api, events
from lesson15.names import TaskNames

FILES = [Path(__file__).parent / "data" / name for name in ("handbook.pdf", "guide-ko.docx", "news.md")]


def post(name: str, content: bytes) -> Response:
    return api.post("/documents", files={"file": (name, content)})


def upload(name: str, content: bytes) -> str:
    answer = post(name, content)
    if answer.status_code == 200:  # of an earlier run
        api.delete(answer.headers["Location"])
        answer = post(name, content)
    print(f"POST /documents: {answer.status_code} {answer.json()['status']} · {name}")
    return answer.headers["Location"]


def watch(documents: list[str]) -> None:
    with Progress("{task.description:45}", BarColumn(), console=Console(stderr=True)) as bars:

        def follow(document: str, bar: TaskID) -> list[dict]:
            story = []
            for event in events(f"{document}/events"):
                bars.update(bar, description=event["message"], completed=event["progress"])
                story.append(event)
            return story

        with ThreadPoolExecutor(len(documents)) as threads:
            stories = list(threads.map(follow, documents, [bars.add_task("", total=100) for _ in documents]))
    for document, story in zip(documents, stories, strict=True):
        stages = " → ".join(dict.fromkeys(event["stage"] for event in story))
        now = api.get(document).json()
        told = f"pages: {now['pages']}, passages: {now['chunks']}" if now["chunks"] else now["message"]
        print(f"{now['name']}: {stages}: {now['status']}, {told}")


def ask(question: str, documents: list[str]) -> None:
    ids = [int(document.rpartition("/")[2]) for document in documents]
    answer = api.post("/questions", json={"question": question, "documents": ids}).json()
    print(f"? {question}\n  {answer['answer']}")
    for passage in answer["passages"][:2]:
        text = passage["text"][:60]
        print(f"  {passage['score']:.2f} {passage['document']}, page {passage['page']}: {text} …")


def ask_meanwhile(documents: list[str]) -> None:
    catalogue = "".join(f"On shelf {n} stands volume {n} of the great encyclopedia. " for n in range(3000))
    large = upload("catalogue.txt", catalogue.encode())
    start = perf_counter()
    ask("How many cents does a late book cost each day?", documents)
    took = (perf_counter() - start) * 1000
    print(f"  after ≈ {took:.0f} ms, before catalogue.txt was ready: {api.get(large).json()['progress'] < 100}")
    watch([large])


def main() -> None:
    documents = [upload(file.name, file.read_bytes()) for file in FILES]
    watch(documents)
    print("the same file again:", post("copy.pdf", FILES[0].read_bytes()).json()["message"])
    ask("For how many weeks may I keep a book?", documents)
    ask("스터디룸은 몇 시간 쓸 수 있나요?", documents)
    ask_meanwhile(documents)
    torn = upload("torn.pdf", FILES[0].read_bytes()[:900])
    watch([torn])
    print("retry:", api.post(f"{torn}/retry").json()["message"])
    watch([torn])
    print("DELETE:", api.delete(torn).status_code)
    for name in TaskNames.FIND_STUCK, TaskNames.CLEAN_UP:  # what beat sends once a second, and at midnight
        print(f"{name}:", app.send_task(name, ignore_result=False).get(timeout=10, interval=0.01))


if __name__ == "__main__":
    run_driver(main, app)
