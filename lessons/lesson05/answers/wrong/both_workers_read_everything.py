"""check_each_queue_has_a_worker_of_its_own: Without --queues= each worker reads both queues."""
