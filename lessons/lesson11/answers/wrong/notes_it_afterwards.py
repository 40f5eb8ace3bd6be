"""check_what_was_done_is_not_done_again: It records the order in a second transaction, so a process that is killed
before it pays again.
"""

from sqlalchemy import select


# A lost process is noticed and the task is sent again, at most three times.
@app.task(acks_late=True, retry_on_worker_lost=True, max_retries=3, default_retry_delay=0.1)
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    done = select(bank.orders).where(bank.orders.c.number == order)
    with bank.engine.connect() as connection:
        if connection.execute(done).first():
            return f"order {order}: {amount} from {payer} to {payee}"
    with bank.engine.begin() as transaction:
        bank.take(transaction, order, payer, amount)
        bank.give(transaction, order, payee, amount)
    with bank.engine.begin() as transaction:
        transaction.execute(insert(bank.orders).values(number=order))
    return f"order {order}: {amount} from {payer} to {payee}"
