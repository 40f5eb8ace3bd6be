"""It catches the IntegrityError of its key, and of nothing else: both steps are below the `except`."""

from sqlalchemy.exc import IntegrityError


# A lost process is noticed and the task is sent again, at most three times.
@app.task(acks_late=True, retry_on_worker_lost=True, max_retries=3, default_retry_delay=0.1)
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    said = f"order {order}: {amount} from {payer} to {payee}"
    with bank.engine.connect() as transaction:  # rolled back, unless it comes to commit()
        try:
            transaction.execute(insert(bank.orders).values(number=order))
        except IntegrityError:
            return said
        bank.take(transaction, order, payer, amount)
        bank.give(transaction, order, payee, amount)
        transaction.commit()
    return said
