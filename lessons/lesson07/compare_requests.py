"""Lesson 07 · Bound tasks: the same call made in five ways, and self.request beside each other, in words."""

from celery import chain, group

from lesson07.tasks import ATTRIBUTES, choose, tell


def compare_requests() -> None:
    link = chain(choose.s("tea"), tell.s(2))()  # the receipt of the last link
    two = group(tell.s("tea", 2), tell.s("rice", 1))()
    receipts = {
        "alone": tell.delay("tea", 2),
        "in a chain": link,
        "in a group": two.children[0],
        "on a retry": tell.delay("tea", 2, fail=1),
    }
    columns = {"called here": in_words(tell("tea", 2), {})}  # like a function: no message, no worker
    for how, receipt in receipts.items():
        meanings = {receipt.id: "receipt's", link.parent.id: "first link's", two.id: "the group's"}
        columns[how] = in_words(receipt.get(timeout=10, interval=0.05), meanings)
    print(f"\n{'self.request':17}" + "".join(f"{how:13}" for how in columns).rstrip())
    for name in ATTRIBUTES:
        print(f"{name:17}" + "".join(f"{column[name]:13}" for column in columns.values()).rstrip())
    print()


def in_words(request: dict, meanings: dict[str, str]) -> dict[str, str]:
    """What self.request was, with a word or two for each id, and without what differs from machine to machine."""
    words = {name: str(value) for name, value in request.items()}
    words |= {name: meanings.get(word, word) for name, word in words.items()}
    if request["id"]:
        words |= {name: "its own" for name in words if name != "id" and request[name] == request["id"]}
        words["task"] = request["task"].rpartition(".")[2]
        words["delivery_info"] = f"to {request['delivery_info']['routing_key']}"
        words["hostname"] = request["hostname"].partition("@")[0] + "@…"
    return words
