"""Lesson 09's claims, on a live worker with two processes."""

import argparse
import contextlib
import io
import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from xml.etree import ElementTree

import pytest
from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded
from celery.result import AsyncResult
from rich.console import Console

from classroom import catalog
from classroom.recorder import recording
from global_config import REDIS_BROKER_URL, REDIS_URL
from lesson09 import batches, call_batches, call_stages, call_tasks, plot, rows
from lesson09.batches import FOLDER, handle_next_orders, handle_orders, mail, pack, read_files, send_files, send_mail
from lesson09.tasks import app, work, work_through
from lesson09.watched import work_watched

pytestmark = pytest.mark.usefixtures("workers")

CALLS = [(item, 0.0) for item in range(1, 11)]


@pytest.fixture
def orders() -> Iterator[None]:
    """The lesson's table, for one test."""
    with rows.made():
        yield


def sent(events: list[dict]) -> list[str]:
    """The names of the tasks that were sent, by time."""
    return [event["name"] for event in events if event["type"] == "task-sent"]


def test_four_ways_make_as_many_messages_as_the_table_says() -> None:
    """One per item, one per chunk, one, and one; and chunks give a list of lists."""
    with recording(app) as events:
        chunks = work.chunks(CALLS, 4).apply_async()
        assert chunks.get(timeout=10) == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]
        assert work.starmap(CALLS).apply_async().get(timeout=10) == list(range(1, 11))
        assert work_through.delay(1, 10, 0.0).get(timeout=10) == 10
    assert sent(events) == ["celery.starmap"] * 4 + ["lesson09.tasks.work_through"]


def test_a_range_of_numbers_loses_rows_and_keyset_pages_do_not(orders: None) -> None:
    """range(0, count) reaches 332 of 1000 orders; pages reach each of them once, whatever their size."""
    for start in range(0, rows.count(), 250):
        handle_orders(start, start + 249)
    assert rows.count(handled=1) == 332
    for size in (70, 500, 5000):
        rows.forget()
        pages = list(rows.id_ranges(size))
        assert len(pages) == -(-1000 // size)
        for first, last in pages:
            handle_orders(first, last)
        assert rows.count(handled=1) == 1000


def test_offset_leaves_out_rows_where_others_are_deleted_meanwhile(orders: None) -> None:
    """After 500 rows, 100 of them are deleted: the page from row 500 on begins 100 rows too late, keyset doesn't."""
    ids = [id for id in range(502, 2002) if id % 3]
    with rows.engine.begin() as connection:
        connection.execute(rows.orders.delete().where(rows.orders.c.id <= ids[99]))
        page = rows.orders.select().order_by(rows.orders.c.id).offset(500).limit(1)
        assert connection.execute(page).one().id == ids[600]
    assert rows.bounds_after(ids[499], 500) == (ids[500], ids[999], 500)


@pytest.mark.once
def test_too_many_bytes_are_refused_before_anything_is_sent() -> None:
    """Even where the first batch would be fine; a file that is too large alone is refused by its name."""
    FOLDER.mkdir(exist_ok=True)
    photos = [call_batches.make_file(f"photo{number}.raw", 20) for number in (1, 2, 3)]
    film = call_batches.make_file("film.mp4", 60)
    with recording(app) as events:
        with pytest.raises(ValueError, match=r"photo1\.raw \+ .*: 60 MB, and a task takes at most 50 MB"):
            send_files([photos[:2], photos])
        with pytest.raises(ValueError, match=r"^film\.mp4: 60 MB"):
            send_files(pack([*photos, film]))
        assert not sent(events)
        assert [receipt.get(timeout=10) for receipt in send_files(pack(photos))] == [40_000_000, 20_000_000]
    assert sent(events) == ["files.read"] * 2
    assert all(photo.exists() for photo in (*photos, film))


@pytest.mark.once
def test_the_files_take_no_room_and_are_read_by_the_megabyte() -> None:
    """They are sparse, and reading 60 MB needs no more than a few of them in memory."""
    FOLDER.mkdir(exist_ok=True)
    film = call_batches.make_file("film.mp4", 60)
    assert film.stat().st_blocks * 512 < 1_000_000
    tracemalloc.start()
    assert read_files(["film.mp4"]) == 60_000_000
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


@pytest.mark.once
def test_packed_batches_hold_every_file_once_and_never_too_much() -> None:
    """Filled in order, up to 50 MB."""
    FOLDER.mkdir(exist_ok=True)
    files = [call_batches.make_file(f"size{size}", size) for size in (30, 20, 1, 49, 50, 2)]
    packed = pack(files)
    assert [[int(file.name.removeprefix("size")) for file in batch] for batch in packed] == [
        [30, 20],
        [1, 49],
        [50],
        [2],
    ]
    assert pack([]) == []


@pytest.mark.once
def test_more_than_a_hundred_addresses_are_refused_before_sending() -> None:
    """100 are sent; 101 are a ValueError and no message."""
    addresses = [f"user{number}@example.org" for number in range(101)]
    with recording(app) as events:
        with pytest.raises(ValueError, match="101 addresses, and a task takes at most 100"):
            mail(addresses)
        assert mail(addresses[:100]).get(timeout=10) == [100, {}]
    assert sent(events) == ["mail.send_all"]


@pytest.mark.once
def test_one_bad_address_does_not_take_the_others_along() -> None:
    """starmap fails as a whole; the task that catches it sends 99 and names the bad one."""
    addresses = [f"user{number}@example.org" for number in range(99)] + ["nobody"]
    naive = send_mail.starmap([(address,) for address in addresses]).apply_async()
    assert isinstance(naive.get(timeout=10, propagate=False), ValueError)
    assert mail(addresses).get(timeout=10) == [99, {"nobody": "'nobody' is no address"}]


@pytest.mark.once
def test_what_starmap_does_after_a_failure_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """57 before the bad one were sent, and the 42 after it weren't tried."""
    tried = []
    monkeypatch.setattr(batches.send_mail, "run", lambda address: tried.append(address) or 1 / (len(tried) != 58))
    addresses = [(f"user{number}@example.org",) for number in range(1, 101)]
    assert send_mail.starmap(addresses).apply().state == "FAILURE"
    assert len(tried) == 58


def test_the_batch_size_changes_while_the_worker_runs(orders: None) -> None:
    """The task asks for it each time; its messages don't hold it."""
    sizes, last = [], 0
    for size in (300, 10, 250):
        rows.batch_size(new=size)
        last, handled = handle_next_orders.delay(last).get(timeout=10)
        sizes.append(handled)
    assert sizes == [300, 10, 250]
    assert rows.count(handled=1) == 560
    assert handle_next_orders.delay(2001).get(timeout=10) == [2001, 0]


BY_NAME = Celery("by_name", broker=REDIS_BROKER_URL, backend=REDIS_URL, set_as_current=False)  # has no code
BY_NAME.config_from_object("global_config")
BY_NAME.conf.update(task_default_queue="lesson09", control_exchange="lesson09")


def test_the_watched_task_works_for_a_caller_that_has_only_its_name(workers: dict[str, Path]) -> None:
    """Its message has no limit; the decorator's ends it, and the task warns before that."""
    receipt = BY_NAME.send_task("watched.work", args=[60])
    with pytest.raises(SoftTimeLimitExceeded):
        receipt.get(timeout=30, interval=0.02)
    told = log_of(receipt, workers["worker"], "]: took")
    assert told.index("and the limit is 2 s") < told.index("Soft time limit (2s) exceeded")


@pytest.mark.once
def test_starmap_knows_nothing_of_the_tasks_own_limits_and_retries() -> None:
    """A message takes 3.6 s, though the task's soft limit is 2 s and its hard one 3 s; a failed item isn't retried."""
    assert len(work_watched.starmap([(9,)] * 4).apply_async().get(timeout=30)) == 4
    other, runs = Celery("other", set_as_current=False), []

    @other.task(autoretry_for=(OSError,), default_retry_delay=0, shared=False)
    def flaky(item: int) -> None:
        runs.append(item)
        raise OSError

    assert flaky.apply([1]).state == "FAILURE"
    assert flaky.starmap([(2,)]).apply().state == "FAILURE"
    assert runs == [1, 1, 1, 1, 2]


def log_of(receipt: AsyncResult, log: Path, until: str) -> str:
    """The lines of the worker's log that name this task, once one of them has `until` in it."""
    deadline = monotonic() + 10
    while until not in (found := "\n".join(line for line in log.read_text().splitlines() if receipt.id in line)):
        assert monotonic() < deadline, found
        sleep(0.02)
    return found


@pytest.mark.once
def test_the_watched_task_warns_before_its_limit_and_logs_its_duration(workers: dict[str, Path]) -> None:
    """Name and id, a warning before the call's own limit, then the limit, then the duration anyway."""
    quick = work_watched.apply_async(args=[1], soft_time_limit=60, time_limit=90)
    slow = work_watched.apply_async(args=[300], soft_time_limit=1, time_limit=90)
    assert quick.get(timeout=10) == {}
    with pytest.raises(SoftTimeLimitExceeded):
        slow.get(timeout=10)
    told = log_of(slow, workers["worker"], "]: took")
    order = [told.index(words) for words in ("of 300 items took", "Soft time limit (1s) exceeded", "]: took")]
    assert order == sorted(order)
    assert f"watched.work[{slow.id}]" in told
    assert "WARNING" in told.splitlines()[1]
    assert "the limit is" not in log_of(quick, workers["worker"], "]: took")


def test_messages_weigh_what_the_readme_says() -> None:
    """An argument of 1 MB: a third more as ASCII, more as Korean, as bytes or as NUL characters."""
    million = 1_000_000
    weights = {
        "": 1, "a" * million: 1335, "가" * (million // 3): 2668, "\0" * million: 8007,
        bytes(range(250)) * 4000: 1781, b"a" * million: 1335, "가".encode() * (million // 3): 2668,
    }  # fmt: skip
    for argument, weight in weights.items():
        assert call_stages.kilobytes(call_stages.transform.s(argument)) == pytest.approx(weight, rel=0.005, abs=1)


def test_weighing_leaves_nothing_behind(profile: str) -> None:
    """The queue of the scales is gone, with its message."""
    call_stages.kilobytes(work.s(1, 0))
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        if profile == "services":
            assert not [key for key in channel.client.keys("*scales*") if channel.client.type(key) == b"list"]
        else:
            assert not list(Path(channel.data_folder_in).glob("*scales*"))


def test_a_chain_that_passes_names_moves_no_data() -> None:
    """Each result, which is the next message's argument, is a short name; with data it is all of them."""
    FOLDER.mkdir(exist_ok=True)
    by_name = (call_stages.extract_to_file.s(100) | call_stages.transform_file.s() | call_stages.load_file.s())()
    by_data = (call_stages.extract.s(100) | call_stages.transform.s() | call_stages.load.s())()
    assert by_name.get(timeout=10) == by_data.get(timeout=10) == 20_000
    assert len(by_name.parent.get(timeout=10)) < 100
    assert len(by_data.parent.get(timeout=10)) == 100_000


@pytest.mark.once
def test_an_item_costs_less_in_a_larger_task_and_the_picture_shows_it(tmp_path: Path) -> None:
    """One task for all has one process do 0.1 ms for each item; plot.svg, re-made, has only other figures."""
    made = tmp_path / "plot.svg"
    with contextlib.redirect_stdout(io.StringIO()) as story:
        call_tasks.main(only="measure", picture=made)
    cost = {
        int(size): float(ms) for size, ms in re.findall(r"^ +(\d+)  ≈ +([\d.]+) ms$", story.getvalue(), re.MULTILINE)
    }
    assert list(cost) == [1, 10, 100, 1000, 10_000]
    assert cost[1] > max(cost[1000], cost[10_000])  # about twenty times as much; neighbours are too close to compare
    assert cost[10_000] > 0.1
    assert "You said 10: ≈" in story.getvalue()
    kept = catalog.find("09").folder / "plot.svg"
    assert unmeasured(made.read_text()) == unmeasured(kept.read_text())


def unmeasured(picture: str) -> str:
    """The picture without its measured figures: the numbers after ≈, and how high dots and their labels are."""
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    picture = re.sub(r"≈ [\d.]+", "≈", picture)
    picture = re.sub(r'(<circle [^>]*)cy="\d+"', r"\1", picture)
    picture = re.sub(r'y="\d+"([^>]*>≈)', r"\1", picture)
    return re.sub(r"(\d+),\d+", r"\1", picture)


@pytest.mark.once
def test_the_plot_has_a_row_and_a_dot_for_each_size() -> None:
    """The more it costs the further to the right, within the scale's ends; the prediction is marked."""
    text = io.StringIO()
    plot.draw({1: 1000.0, 10: 1.0, 100: 0.0001}, 10, Console(file=text, width=100))
    lines = [line.rstrip() for line in text.getvalue().splitlines() if "●" in line or "o" in line.partition(".")[2]]
    dots = [line for line in lines if line.strip()[0].isdigit()]
    assert [line.count(".") - 1 for line in dots] == [40, 20, 0]
    assert [line.endswith("your prediction") for line in dots] == [False, True, False]


@pytest.mark.once
def test_a_prediction_that_is_no_size_is_refused() -> None:
    """One sentence says what can be given."""
    assert call_tasks.a_size("300") == 300
    for said in ("0", "10001", "-1", "many", ""):
        with pytest.raises(argparse.ArgumentTypeError, match=r"isn't a number from 1 to 10000\."):
            call_tasks.a_size(said)


def test_the_driver_leaves_no_table(orders: None) -> None:
    """Its tables are there while a part runs, and gone after it."""
    from sqlalchemy import inspect

    call_batches.change_the_size()
    assert not [name for name in inspect(rows.engine).get_table_names() if name.startswith("lesson09")]
