"""The Celery app, without a single task: what callers and workers share."""

from celery import Celery

from global_config import APP_DATABASE_URL, REDIS_BROKER_URL, broker_transport_options

app = Celery("lesson14", broker=REDIS_BROKER_URL, backend=f"db+{APP_DATABASE_URL}")
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson14",  # a queue of its own: no other lesson's mail
    control_exchange="lesson14",  # and its own line for commands to the worker
    # The tables jobs and job_steps are the truth, in the database that is named above as the place of results.
    # Celery would keep a second one beside them: it stores nothing, and makes no tables.
    task_ignore_result=True,
    database_create_tables_at_setup=False,
    # Jobs are long: a waiting one stays in the queue, where any worker can take it. And a worker that holds messages
    # which it doesn't run yet exits with status 1 when Redis restarts, in kombu 5.7; there it can be told to hold none.
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=REDIS_BROKER_URL.startswith("redis"),
    broker_connection_timeout=2,  # seconds
    # On RabbitMQ, sent means kept; on files, a pool process may be killed without the others waiting for its lock.
    broker_transport_options=broker_transport_options | {"confirm_publish": True, "event_loop": True},
)
