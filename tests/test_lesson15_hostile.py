"""Lesson 15's claims about hostile files: they cost what they may, and a true sentence is said of each."""

import os
import re
from collections.abc import Iterator
from threading import Event, Thread
from time import monotonic

import psutil
import pytest

from classroom import catalog
from tests import island as islands
from tests.hostile import hostile
from tests.island import Island, client
from tests.uploads import ended, essay, pdf, processed, upload

LESSON = catalog.find("15")
HOSTILE = int(os.environ.get("HOSTILE", "60"))  # files of the generator that are tried
MEGABYTE = 1_000_000
once = pytest.mark.once


class Peak(Thread):
    """How much memory a process and all below it have, together and at their most, from now on."""

    def __init__(self, root: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.root, self.ended, self.most = root, Event(), 0
        self.idle = self.now()
        self.start()

    def now(self) -> int:
        """Bytes."""
        total = 0
        for one in [self.root, *self.root.children(recursive=True)]:
            try:
                total += one.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total

    def run(self) -> None:
        while not self.ended.wait(0.02):
            self.most = max(self.most, self.now())


@pytest.fixture
def island(profile: str) -> Iterator[Island]:
    """A pipeline of our own, whose readers have less time than usual: what takes too long takes as long as it may."""
    names = ("worker-documents", "worker-chat", "beat", "api", "postgres")
    seconds = os.environ.get("READ_SECONDS", "1.5")
    with islands.island(
        profile, {name: LESSON.processes[name] for name in names}, "/health", READ_SECONDS=seconds
    ) as made:
        yield made


SENTENCES = re.compile(
    r"Ready to be searched|"
    r"There is no text in it\. If it is a scan, have it recognised first \(OCR\)\.|"
    r"It can't be read as a (PDF|DOCX): (the file is damaged|its pages are damaged, or too complex|"
    r"it has a DOCTYPE, which word processors never write|it is packed in a way that word processors don't use|"
    r"there is no document in it)\.|"
    r"The PDF is encrypted\. Save it without encryption and upload it again\.|"
    r"The DOCX unpacks to over 15,000,000 bytes of text, which is too much\.|"
    r"It has [\d,]+ pages, and 2,000 are the most\.|"
    r"It has more than (2,000 pages|20,000 passages), which is the limit\.|"
    r"Reading it took too long\.|"
    r"Reading it takes more than 70,000,000 bytes of memory, which is the limit\."
)


@once
@pytest.mark.timeout(600)
def test_hostile_files_cost_what_they_may_and_lose_no_worker(island: Island) -> None:
    """Two at a time, 300 MB at most beyond what idle workers have, a true sentence for each, and the next good file."""
    worker = psutil.Process(island.started["worker-documents"].pid)
    with client(island.api) as http:
        assert processed(http, "first.pdf", pdf("All is well."))["status"] == "COMPLETED"
        peak = Peak(worker)
        said: dict[str, str] = {}
        slowest: dict[str, float] = {}
        for first in range(0, HOSTILE, 10):  # as many as wait at once
            begun = monotonic()
            made = [hostile(seed) for seed in range(first, min(first + 10, HOSTILE))]
            answers = {name: upload(http, name, content) for name, content in made}
            for name, answer in answers.items():
                found = ended(http, answer.headers["Location"], 120)
                said[name], slowest[name] = found["message"], monotonic() - begun
                http.delete(answer.headers["Location"])
        peak.ended.set()
        peak.join()
        assert {name: message for name, message in said.items() if not SENTENCES.fullmatch(message)} == {}
        before = monotonic()
        assert processed(http, "next.txt", essay())["status"] == "COMPLETED"
        good = monotonic() - before
    print(f"idle {peak.idle / MEGABYTE:.0f} MB, at most {(peak.most - peak.idle) / MEGABYTE:.0f} MB more;"
          f" the next good file took {good:.1f} s")  # fmt: skip
    assert peak.most - peak.idle < 300 * MEGABYTE
    log = (island.home / "worker-documents.log").read_text()
    assert "exited prematurely" not in log
    assert "Hard time limit" not in log
    assert island.fallen() == {}
