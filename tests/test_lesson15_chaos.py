"""Lesson 15's claims on an island: a pipeline whose processes are killed, and that loses no document."""

import os
import random
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread
from time import monotonic, sleep

import httpx
import pytest

from classroom import catalog
from tests import island as islands
from tests.island import Island, client, eventually
from tests.uploads import pdf, upload

LESSON = catalog.find("15")


@pytest.fixture
def island(profile: str) -> Iterator[Island]:
    """A pipeline of our own."""
    names = ("worker-documents", "worker-chat", "beat", "api", "postgres")  # each before what it needs
    commands = {name: LESSON.processes[name] for name in names}
    with islands.island(profile, commands, "/health", LEASE_SECONDS="1.5") as island:
        yield island


@pytest.mark.timeout(300)
def test_whatever_is_killed_no_document_is_lost_and_no_passage_comes_twice(island: Island) -> None:
    """Each part, pool processes and reading processes are killed at moments drawn from a seed.

    CHAOS_DOCUMENTS=40 CHAOS_SECONDS=40 CHAOS_SEED=7 make it longer, or the same as before.
    """
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))
    count = int(os.environ.get("CHAOS_DOCUMENTS") or 8)
    seconds = float(os.environ.get("CHAOS_SECONDS") or 8)
    print(f"CHAOS_SEED={seed}")
    chance, kills, taken = random.Random(seed), dict.fromkeys(island.commands, 0), list[int]()
    content = [pdf(*["The river bends to the north. " * 60] * chance.randrange(5, 40)) for _ in range(count)]

    def send() -> None:
        with client(island.api) as http:
            for one in content:
                while True:  # until it is taken: the same bytes are the same document
                    with suppress(httpx.TransportError):
                        answer = upload(http, "a.pdf", one)
                        assert answer.status_code in (200, 202, 503), answer.text
                        if answer.status_code != 503:
                            taken.append(answer.json()["document_id"])
                            break
                    sleep(0.1)
                sleep(seconds / count / 2)

    caller = Thread(target=send, daemon=True)
    caller.start()
    working = "SELECT 1 FROM lesson15.documents WHERE status = 'IN_PROGRESS'"
    eventually(lambda: island.sql(working), "nobody begins", 40)
    victims, began = ["worker-documents", "postgres", *(["redis"] if "redis" in island.commands else [])], monotonic()
    while victims or monotonic() - began < seconds:
        victim = victims.pop(0) if victims else chance.choice(list(island.commands))
        island.kill(victim)
        kills[victim] += 1
        sleep(chance.uniform(0, 0.5))
        island.start(victim)
        sleep(chance.uniform(0.3, 2))
        island.kill_below("worker-documents", chance)
        sleep(chance.uniform(0, 2))
        island.supervise()
    caller.join(timeout=60)
    assert len(set(taken)) == count, seed

    def states() -> dict[str, int]:
        """How many are in each state; one whose reading was interrupted three times is retried, as a user would do."""
        island.supervise()
        for document, message in island.sql("SELECT id, message FROM lesson15.documents WHERE status = 'FAILED'"):
            assert message == "Reading it was interrupted 3 times.", (seed, message)
            with suppress(httpx.TransportError), client(island.api) as http:
                http.post(f"/documents/{document}/retry")
        return dict(island.sql("SELECT status, count(*) FROM lesson15.documents GROUP BY 1"))

    eventually(lambda: states() == {"COMPLETED": count}, f"seed {seed}: {states()}", 90)
    eventually(island.answers, "the API doesn't start", 40)
    counted = """
        SELECT d.chunks, d.embedded, count(c.number), count(DISTINCT c.number), count(c.embedding)
        FROM lesson15.documents d JOIN lesson15.chunks c ON c.document_id = d.id GROUP BY d.id
    """
    assert all(len(set(row)) == 1 for row in island.sql(counted)), seed
    print(f"seed {seed}: {count} documents completed, killed {kills}, {monotonic() - began:.0f} s")
