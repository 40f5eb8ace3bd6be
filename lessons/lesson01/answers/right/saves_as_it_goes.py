"""It saves after every meter, so nothing is left to do at the soft limit. Both limits are settings."""

app.conf.update(
    task_default_queue="exercise01",
    control_exchange="exercise01",
    task_soft_time_limit=0.5,
    task_time_limit=2.5,
)


@app.task
def read_round(night: str, meters: list[str]) -> dict[str, int | None]:
    """Read the meters in this order; returns their figures, or saves them when it is stopped."""
    figures: dict[str, int | None] = {}
    for meter in meters:
        try:
            figures[meter] = read_meter(meter)
        except ValueError:
            figures[meter] = None
        save(night, figures)
    return figures
