"""check_an_urgent_report_goes_to_high: It sets the queue on the task, and all later calls use it."""


def urgent_report(month: int) -> AsyncResult:
    """Send report_sales to exercise05-high, this once; returns its receipt."""
    report_sales.queue = "exercise05-high"
    return report_sales.delay(month)
