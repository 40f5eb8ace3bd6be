"""What the system says: python symptom.py, beside a worker."""

import psutil
from exercise import app, thumbnail

from lesson16 import exercise_shop as shop


def largest() -> int:
    """How many MB the largest process of the worker has."""
    [stats] = app.control.inspect(limit=1).stats().values()
    return max(psutil.Process(pid).memory_info().rss for pid in stats["pool"]["processes"]) // 1_000_000


shop.require_worker(app)
before = largest()
for receipt in [thumbnail.delay(f"picture {number}") for number in range(40)]:
    receipt.get(timeout=30)
print(f"the largest process had {before} MB; 40 pictures later it has {largest()} MB")
