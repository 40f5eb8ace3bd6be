"""check_a_process_does_not_grow_with_every_picture: functools.cache forgets nothing, and keeps every picture."""

from functools import cache


@cache
def picture(name: str) -> bytes:
    return shop.picture(name)


@app.task
def thumbnail(name: str) -> int:
    """The size in bytes of a thumbnail: a thousandth of its picture."""
    return len(picture(name)) // 1000
