"""What customers say: python symptom.py, beside a worker."""

from uuid import uuid4

from exercise import app, remind

from global_config import REDIS_BROKER_URL
from lesson16 import exercise_shop as shop

shop.require_worker(app)
order, another = f"ada-{uuid4()}", f"bob-{uuid4()}"
receipt = remind.delay(order)
if REDIS_BROKER_URL.startswith("filesystem"):
    remind.apply_async((order,), task_id=receipt.id)
receipt.get(timeout=30)
remind.delay(another).get(timeout=30)  # takes as long: what had begun before it has ended
[letters] = shop.noted("letters", order)
print(f"ada got {sum(letters)}")
