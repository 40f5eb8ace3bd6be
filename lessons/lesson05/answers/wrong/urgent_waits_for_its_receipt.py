"""check_an_urgent_report_goes_to_high: It returns the right AsyncResult, but waits for the report first."""


def urgent_report(month: int) -> AsyncResult:
    """Send report_sales to exercise05-high, this once; returns its receipt."""
    receipt = report_sales.apply_async(args=(month,), queue="exercise05-high")
    receipt.get(timeout=10)
    return receipt
