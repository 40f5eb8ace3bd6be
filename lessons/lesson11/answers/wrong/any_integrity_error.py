"""check_an_order_that_is_refused_can_be_sent_again: It takes every IntegrityError for a known key, also the one of an
account that has too little.
"""

from sqlalchemy.exc import IntegrityError


# A lost process is noticed and the task is sent again, at most three times.
@app.task(acks_late=True, retry_on_worker_lost=True, max_retries=3, default_retry_delay=0.1)
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    try:
        with bank.engine.begin() as transaction:
            transaction.execute(insert(bank.orders).values(number=order))
            bank.take(transaction, order, payer, amount)
            bank.give(transaction, order, payee, amount)
    except IntegrityError:
        pass  # done before
    return f"order {order}: {amount} from {payer} to {payee}"
