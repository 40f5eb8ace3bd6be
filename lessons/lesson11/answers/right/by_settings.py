"""It acknowledges early, and a setting makes Celery retry every task whose process was lost."""

app.conf.update(
    task_default_queue="exercise11",
    control_exchange="exercise11",
    worker_timer_precision=0.05,  # the worker looks at its clock every 0.05 seconds: short waits come out exact
    worker_lost_wait=0.5,  # on files: seconds until a dead process's task counts as lost, instead of 10
    task_retry_on_worker_lost=True,
    task_annotations={"*": {"default_retry_delay": 0.1}},
)


@app.task
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    key = insert(bank.orders).values(number=order).on_conflict_do_nothing(index_elements=["number"])
    with bank.engine.begin() as transaction:  # all three, or none
        if transaction.execute(key).rowcount:  # 0 if another run has written it; one that is about to is waited for
            bank.take(transaction, order, payer, amount)
            bank.give(transaction, order, payee, amount)
    return f"order {order}: {amount} from {payer} to {payee}"
