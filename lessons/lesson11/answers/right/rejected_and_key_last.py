"""A lost process's message is requeued, and an earlier run's key makes this one roll back."""


@app.task(acks_late=True, reject_on_worker_lost=True)
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    key = insert(bank.orders).values(number=order).on_conflict_do_nothing(index_elements=["number"])
    with bank.engine.connect() as transaction:
        bank.take(transaction, order, payer, amount)
        bank.give(transaction, order, payee, amount)
        if transaction.execute(key).rowcount:  # 0 if another run has written it; one that is about to is waited for
            transaction.commit()  # otherwise an earlier run, or another message, has done it: all is rolled back
    return f"order {order}: {amount} from {payer} to {payee}"
