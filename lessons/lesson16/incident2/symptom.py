"""What the office says: python symptom.py, beside a worker."""

from celery.exceptions import TimeoutError
from exercise import app, close_the_day

from lesson16 import exercise_shop as shop

shop.require_worker(app)
receipt = close_the_day([20, 30, 50])
try:
    print(f"the report of the day: {receipt.get(timeout=6)}")
except TimeoutError:
    print("the report of the day: nothing, in 6 seconds")
