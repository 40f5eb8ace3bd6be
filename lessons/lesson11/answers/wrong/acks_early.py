"""check_a_transfer_survives_its_process: The message is acknowledged before the task runs, and isn't sent again."""


@app.task
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    key = insert(bank.orders).values(number=order).on_conflict_do_nothing(index_elements=["number"])
    with bank.engine.begin() as transaction:  # all three, or none
        if transaction.execute(key).rowcount:  # 0 if another run has written it; one that is about to is waited for
            bank.take(transaction, order, payer, amount)
            bank.give(transaction, order, payee, amount)
    return f"order {order}: {amount} from {payer} to {payee}"
