"""check_an_urgent_report_goes_to_high: delay() takes no options: it passes the queue to the task as an argument."""


def urgent_report(month: int) -> AsyncResult:
    """Send report_sales to exercise05-high, this once; returns its receipt."""
    return report_sales.delay(month, queue="exercise05-high")
