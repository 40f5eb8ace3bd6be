"""check_an_urgent_report_goes_to_high: It takes "this one time" for "never again", and keeps the first AsyncResult."""

urgent: list[AsyncResult] = []


def urgent_report(month: int) -> AsyncResult:
    """Send report_sales to exercise05-high, this once; returns its receipt."""
    if not urgent:
        urgent.append(report_sales.apply_async(args=(month,), queue="exercise05-high"))
    return urgent[0]
