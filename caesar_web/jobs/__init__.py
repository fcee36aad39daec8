"""The RQ side: queues, what a worker runs, and the sweep."""
