"""check_a_long_round_is_stopped: The worker runs its tasks in threads, where Celery can't enforce time limits."""
