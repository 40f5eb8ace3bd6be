"""What a mended incident 3 does. The docstring holds three hints, a paragraph each."""


def check_a_process_does_not_grow_with_every_picture(exercise, workers, expect, values):
    """What is left of a task when it has returned?

    Look for a name outside of the task that goes on holding what the task has made, in each process.

    return len(shop.picture(name)) // 1000, and no pictures = {}
    """
    receipts = [exercise.thumbnail.delay(f"picture {values.random()}") for _ in range(40)]
    sizes = {receipt.get(timeout=10, interval=0.05) for receipt in receipts}
    # From the second picture on: with the first one comes what a process needs anyway. One of the two processes has
    # made 20 pictures or more, which are 300 MB; a cache with an end holds a few.
    grown = max(max(later) - later[0] for _, *later in exercise.shop.noted("memory") if later) // 1_000_000
    expect(sizes, {15_000}, what="the sizes of 40 thumbnails", idea="A thumbnail is a thousandth of its picture.")
    expect(
        grown < 100,
        True,
        what=f"whether each process stays small; 40 pictures, and one has grown by {grown} MB",
        idea=(
            "What a global name holds lives as long as its process. Hold nothing, or not more than you can count; or "
            "let processes be replaced in time."
        ),
    )
