"""Lesson 09, the caller's side: work split by ids, by bytes and by number, and a batch size that changes meanwhile."""

from collections.abc import Callable, Iterable
from pathlib import Path

from celery import group

from lesson09 import rows
from lesson09.batches import FOLDER, handle_next_orders, handle_orders, mail, pack, send_files, send_mail


@rows.made()
def split_by_ids() -> None:
    count = rows.count()
    print(f"By id range, {count} orders:")
    ways: dict[str, Iterable[tuple[int, int]]] = {
        "before, range(0, count):": [(start, start + 499) for start in range(0, count, 500)],
        "after, keyset pages:": rows.id_ranges(500),
    }
    for how, ranges in ways.items():
        rows.forget()
        receipts = group(handle_orders.s(first, last) for first, last in ranges)()
        receipts.get(timeout=10, interval=0.02)
        print(f"  {how:26}{len(receipts)} tasks handled {rows.count(handled=1)} orders of {count}")


def make_file(name: str, megabytes: int) -> Path:
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / name
    file.touch()
    with file.open("r+b") as opened:
        opened.truncate(megabytes * 1_000_000)  # a sparse file: it reads as zeros, and takes no room on the disk
    return file


def split_by_bytes() -> None:
    print("By bytes, at most 50 MB in a task:")
    photos = [make_file(f"photo{number}.raw", 20) for number in (1, 2, 3)]
    film = make_file("film.mp4", 60)
    for batches in [photos], pack([*photos, film]), pack(photos):
        try:
            read = [receipt.get(timeout=10, interval=0.02) // 1_000_000 for receipt in send_files(batches)]
        except ValueError as error:
            print(f"  refused, nothing sent: {error}")
        else:
            print(f"  {len(read)} tasks read {read} MB")


def split_by_number() -> None:
    print("By number, at most 100 addresses in a task, and one of 250 is bad:")
    addresses = [f"user{number}@example.org" for number in range(1, 251)]
    addresses[57] = "user58"
    try:
        mail(addresses)
    except ValueError as error:
        print(f"  refused, nothing sent: {error}")
    alone = send_mail.delay("user58").get(timeout=10, interval=0.02, propagate=False)
    print(f"  1 alone: {alone!r}, and all others could be sent")
    naive = send_mail.starmap([(address,) for address in addresses[:100]]).apply_async()
    print(f"  100 by starmap: {naive.get(timeout=10, interval=0.02, propagate=False)!r}, and nobody knows who has mail")
    receipts = [mail(addresses[start : start + 100]) for start in range(0, len(addresses), 100)]
    for sent, failed in (receipt.get(timeout=10, interval=0.02) for receipt in receipts):
        print(f"  {sent} sent, not sent: {failed}")


@rows.made()
def change_the_size() -> None:
    print("The batch size is a setting, and the worker goes on running:")
    last = 0
    for size in (300, 200):
        rows.batch_size(new=size)  # anybody may do that, from anywhere
        handled = []
        for _ in range(2):
            last, orders = handle_next_orders.delay(last).get(timeout=10, interval=0.02)
            handled.append(orders)
        print(f"  set to {size}, tasks took {handled} orders")


PARTS: dict[str, Callable[[], None]] = {
    "ids": split_by_ids,
    "bytes": split_by_bytes,
    "number": split_by_number,
    "setting": change_the_size,
}
