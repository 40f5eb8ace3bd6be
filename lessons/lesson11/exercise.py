"""Exercise 11 · Money and lightning.

A bank moves money by a task: take it from the payer, give it to the payee. Now and then lightning strikes, and SIGKILL
ends the process that runs the task: before the first step, between the two, or right after a transaction. It strikes an
order at most once, and a new process is there at once; but money has been lost like that, and once it was paid twice.
Make transfer safe:

1. A transfer that was struck is run again, within a few seconds and without help. In the end the payer has paid once,
   the payee has got it once, and the receipt says the task's sentence.
2. A transfer is made as a whole or not at all: if you look at the accounts from another connection, you never see half
   of it.
3. A nervous clerk may send the same order again, at the same moment, or when it is done and the payer has nothing left.
   The money moves once, and all receipts say the same sentence, none of them before the money has moved. Another number
   is another order, even with the same accounts and the same amount.
4. The bank refuses to take more than the payer has, with an IntegrityError. Then the task fails, however often the
   order is sent, and nothing of it is kept. When the payer has the money, the clerk can send the same order again.

Both steps are made with bank.take and bank.give, which are ready. bank.orders is an empty table for your own use, with
one column, `number`: the number of an order, its primary key. All of this is in lessons/lesson11/exercise_bank.py.
"""

from celery import Celery

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


# TODO: what becomes of this task when its process dies, and what does it do when it is run again?
@app.task
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    with bank.engine.begin() as transaction:
        bank.take(transaction, order, payer, amount)
    with bank.engine.begin() as transaction:
        bank.give(transaction, order, payee, amount)
    return f"order {order}: {amount} from {payer} to {payee}"
