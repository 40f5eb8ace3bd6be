"""check_half_a_transfer_is_never_kept: Each step has a transaction and a key of its own. In the end all is right, but
until then everyone sees half a transfer.
"""


# A lost process is noticed and the task is sent again, at most three times.
@app.task(acks_late=True, retry_on_worker_lost=True, max_retries=3, default_retry_delay=0.1)
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    for step, name in ((bank.take, payer), (bank.give, payee)):
        key = insert(bank.orders).values(number=f"{order} {name}").on_conflict_do_nothing(index_elements=["number"])
        with bank.engine.begin() as transaction:
            if transaction.execute(key).rowcount:
                step(transaction, order, name, amount)
    return f"order {order}: {amount} from {payer} to {payee}"
