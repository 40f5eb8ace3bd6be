"""check_an_order_sent_twice_is_made_once: It looks and then pays, and another run can do the same in between."""

from sqlalchemy import select


# A lost process is noticed and the task is sent again, at most three times.
@app.task(acks_late=True, retry_on_worker_lost=True, max_retries=3, default_retry_delay=0.1)
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    done = select(bank.orders).where(bank.orders.c.number == order)
    with bank.engine.begin() as transaction:  # all three, or none
        if not transaction.execute(done).first():
            bank.take(transaction, order, payer, amount)
            bank.give(transaction, order, payee, amount)
            if not transaction.execute(done).first():
                transaction.execute(insert(bank.orders).values(number=order))
    return f"order {order}: {amount} from {payer} to {payee}"
