"""What a mended incident 3 does. The docstring holds three hints, a paragraph each."""

import pytest


@pytest.mark.judges(1, 2)
def check_a_process_does_not_grow_with_every_picture(exercise, workers, expect, values):
    """What is left of a task when it has returned?

    Look for a name outside of the task that keeps what the task has made, in each process.

    return len(shop.picture(name)) // 1000, and no pictures = {}
    """
    shop = exercise.shop
    names = [f"picture {values.random()}" for _ in range(40)]
    receipts = [exercise.thumbnail.delay(name) for name in names]
    sizes = [receipt.get(timeout=10, interval=0.05) for receipt in receipts]
    wrong = [(saw, shop.size(name) // 1000) for name, saw in zip(names, sizes, strict=True)]
    saw, wanted = next((pair for pair in wrong if pair[0] != pair[1]), wrong[0])
    expect(
        saw,
        wanted,
        what="the size of one of 40 thumbnails",
        idea=(
            "A thumbnail is a thousandth of its own picture. Pictures differ in size: if you keep one, it is of use "
            "for its own name alone."
        ),
    )
    taken = shop.noted("memory")
    expect(
        sum(len(page) for page in taken) >= 40,
        True,
        what=f"whether the pictures were made by shop.picture; 40 names were new, and it was called "
        f"{sum(len(page) for page in taken)} times",
        idea="shop.picture makes a picture, and this is about its memory: the task has to call it for a new name.",
    )
    # From the second picture on: with the first one comes what a process needs anyway. One of the two processes has
    # made 20 pictures or more, which are 300 MB; a cache with an end holds a few.
    grown = max((max(later) - later[0] for _, *later in taken if later), default=0) // 1_000_000
    expect(
        grown < 100,
        True,
        what=f"whether each process stays small; 40 pictures, and one has grown by {grown} MB",
        idea=(
            "What a global name holds lives as long as its process. Hold nothing, or a few at most; or let processes "
            "be replaced in time."
        ),
    )
