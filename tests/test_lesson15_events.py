"""Lesson 15's claims about events: each is heard once, in order, and when it happens."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import text

from lesson15 import service, store
from lesson15.client import events
from tests.island import eventually
from tests.uploads import essay, processed, sql, stored, upload

live = pytest.mark.usefixtures("workers")


@live
def test_events_resume_without_a_gap(http: httpx.Client) -> None:
    """After any of them the rest, of one document and of all; after the last one 204, which ends it."""
    before = store.last_event()
    document = processed(http, "whales.txt", essay())
    path = f"/documents/{document['id']}/events"
    told = list(events(path))
    for at, event in enumerate(told[:-1]):
        assert list(events(path, event["number"])) == told[at + 1 :]
    assert http.get(path, headers={"Last-Event-ID": str(told[-1]["number"])}).status_code == 204
    every = events("/events", before)
    assert [next(every) for _ in told] == told
    numbers = [row[0] for row in sql("SELECT id FROM lesson15.events WHERE id > :before ORDER BY id", before=before)]
    assert numbers == list(range(before + 1, before + 1 + len(numbers)))


@live
def test_listeners_hear_all_also_when_the_line_to_postgresql_is_cut(http: httpx.Client) -> None:
    """What is committed meanwhile is read afterwards: nobody misses an event or hears one twice."""
    document = upload(http, "whales.txt", essay(), start="false").json()["document_id"]
    heard: list[list[int]] = [[] for _ in range(5)]
    cut = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE query LIKE 'LISTEN lesson15%'"

    def listen(numbers: list[int]) -> None:
        numbers.extend(event["number"] for event in events(f"/documents/{document}/events"))

    with ThreadPoolExecutor(5) as threads:
        listeners = [threads.submit(listen, numbers) for numbers in heard]
        eventually(lambda: all(heard), "not all of them listen")
        for _ in range(2):
            eventually(lambda: sql(cut), "the API doesn't listen")
        http.post(f"/start/{document}")
        for listener in listeners:
            listener.result(timeout=90)
    in_the_database = sql("SELECT id FROM lesson15.events WHERE document_id = :id ORDER BY id", id=document)
    assert heard == [[row[0] for row in in_the_database]] * 5


@live
def test_events_are_numbered_as_they_are_committed() -> None:
    """Of two transactions the one that tells second waits: no number is seen before a lower one."""
    one, other = stored(), stored()
    seen = store.last_event()
    with ThreadPoolExecutor(1) as threads, store.transaction() as connection:
        store.tell(connection, store.find(one.id))

        def second() -> None:
            with store.transaction() as connection:
                store.tell(connection, store.find(other.id))

        [(ours,)] = connection.execute(text("SELECT pg_backend_pid()"))
        told = threads.submit(second)
        held_up = "SELECT 1 FROM pg_stat_activity WHERE :ours = ANY(pg_blocking_pids(pid))"
        eventually(lambda: told.done() or sql(held_up, ours=ours), "it is neither committed nor does it wait")
        assert not told.done()
        assert store.last_event() == seen
        connection.commit()
    told.result()
    assert store.last_event() == seen + 2
    service.delete(one.id)
    service.delete(other.id)


@live
def test_a_number_that_nothing_has_reached_gives_all_events(http: httpx.Client) -> None:
    """It can't be from here: nothing is waited for in silence, and nothing is left out, also after the end."""
    document = processed(http, "whales.txt", essay())
    path = f"/documents/{document['id']}/events"
    told = list(events(path))
    assert list(events(path, document["last_event"] + 1000)) == told
    every = events("/events", store.last_event() + 1000)
    first = sql("SELECT min(id) FROM lesson15.events")[0][0]
    assert next(every)["number"] == first
    running = upload(http, "whales.txt", essay(), start="false").json()["document_id"]
    alive = events(f"/documents/{running}/events", 10**9)
    assert next(alive)["status"] == "STORED"
    http.post(f"/start/{running}")
    assert [event["status"] for event in alive][-1] == "COMPLETED"
