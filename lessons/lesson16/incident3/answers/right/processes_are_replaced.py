"""Each process is replaced after two tasks, before its cache has grown."""

app.conf.update(
    task_default_queue="exercise16-incident3",
    control_exchange="exercise16-incident3",
    worker_concurrency=2,  # processes, however many cores there are
    worker_max_tasks_per_child=2,
)


pictures: dict[str, bytes] = {}


@app.task
def thumbnail(name: str) -> int:
    """The size in bytes of a thumbnail: a thousandth of its picture."""
    if name not in pictures:
        pictures[name] = shop.picture(name)
    return len(pictures[name]) // 1000
