"""check_a_process_does_not_grow_with_every_picture: The garbage collector frees only what nothing refers to, and the
dict refers to every picture.
"""

import gc

pictures: dict[str, bytes] = {}


@app.task
def thumbnail(name: str) -> int:
    """The size in bytes of a thumbnail: a thousandth of its picture."""
    if name not in pictures:
        pictures[name] = shop.picture(name)
    gc.collect()
    return len(pictures[name]) // 1000
