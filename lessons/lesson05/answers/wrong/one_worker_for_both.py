"""check_each_queue_has_a_worker_of_its_own: The routing is right, but one worker reads both queues."""
