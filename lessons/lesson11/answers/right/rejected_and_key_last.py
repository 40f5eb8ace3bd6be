"""A lost process's message is requeued. The key is written last, and is asked after an IntegrityError."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError


@app.task(acks_late=True, reject_on_worker_lost=True)
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    try:
        with bank.engine.begin() as transaction:
            bank.take(transaction, order, payer, amount)
            bank.give(transaction, order, payee, amount)
            transaction.execute(insert(bank.orders).values(number=order))
    except IntegrityError:  # the key is there already, or the payer has too little, perhaps because it is there
        with bank.engine.connect() as connection:
            if not connection.execute(select(bank.orders).where(bank.orders.c.number == order)).all():
                raise
    return f"order {order}: {amount} from {payer} to {payee}"
