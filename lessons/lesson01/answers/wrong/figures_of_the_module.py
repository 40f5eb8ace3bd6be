"""check_a_short_round_returns_its_figures: The dictionary is made once, in the module, so a process adds each round's
figures to those of its last one.
"""

figures: dict[str, int | None] = {}


@app.task(soft_time_limit=0.5, time_limit=2.5)
def read_round(night: str, meters: list[str]) -> dict[str, int | None]:
    """Read the meters in this order; returns their figures, or saves them when it is stopped."""
    try:
        for meter in meters:
            try:
                figures[meter] = read_meter(meter)
            except ValueError:  # and not Exception, which would take the soft limit for a broken meter
                figures[meter] = None
    except SoftTimeLimitExceeded:
        save(night, figures)
        raise  # so that the state tells the truth
    return figures
