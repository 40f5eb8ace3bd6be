"""Lesson 09: extract, transform, load, twice: once the data travel from task to task, once the name of a file."""

from lesson09.batches import FOLDER
from lesson09.tasks import app


@app.task(name="data.extract")
def extract(kilobytes: int) -> str:
    return "some word " * (kilobytes * 100)


@app.task(name="data.transform")
def transform(text: str) -> str:
    return text.upper()


@app.task(name="data.load")
def load(text: str) -> int:
    return len(text.split())


@app.task(name="file.extract")
def extract_to_file(kilobytes: int) -> str:
    (FOLDER / "extracted.txt").write_text(extract(kilobytes))  # a task called like this is a plain function
    return "extracted.txt"


@app.task(name="file.transform")
def transform_file(name: str) -> str:
    (FOLDER / "transformed.txt").write_text(transform((FOLDER / name).read_text()))
    return "transformed.txt"


@app.task(name="file.load")
def load_file(name: str) -> int:
    return int(load((FOLDER / name).read_text()))
