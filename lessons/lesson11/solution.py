"""Exercise 11 · Money and lightning.

A bank moves money by a task: take it from the payer, give it to the payee. Now and then lightning strikes, and the
process that is at work is killed by SIGKILL: before the first step, between the two, or right after a transaction. A
new process is there at once; but money has been lost like that, and once it was paid twice. Make transfer safe:

1. Whenever lightning strikes, in the end the payer has paid once and the payee has got it once. Nobody has to help, and
   nobody has to wait for it: a few seconds are enough.
2. A transfer is made as a whole or not at all: there is no moment with only half of it kept.
3. A nervous clerk may send the same order twice, even at the same moment. The money moves once, and both receipts say
   the same sentence.

bank.take and bank.give stay the two steps, and their work is the bank's. bank.orders is an empty table
for your own use, with one column: the number of an order, its primary key.
"""

from celery import Celery
from sqlalchemy.dialects.postgresql import insert  # SQLite understands ON CONFLICT, too

from global_config import POSTGRES_URL, RABBITMQ_URL
from lesson11 import exercise_bank as bank

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise11",
    control_exchange="exercise11",
    worker_timer_precision=0.05,  # the worker looks at its clock every 0.05 seconds: short waits come out exact
    worker_lost_wait=0.5,  # on files: seconds until a dead process's task counts as lost, instead of 10
)


# A lost process is noticed and the task is sent again, at most three times.
@app.task(acks_late=True, retry_on_worker_lost=True, max_retries=3, default_retry_delay=0.1)
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    key = insert(bank.orders).values(number=order).on_conflict_do_nothing(index_elements=["number"])
    with bank.engine.begin() as transaction:  # all three, or none
        if transaction.execute(key).rowcount:  # 0 if another run has written it; one that is about to is waited for
            bank.take(transaction, order, payer, amount)
            bank.give(transaction, order, payee, amount)
    return f"order {order}: {amount} from {payer} to {payee}"
