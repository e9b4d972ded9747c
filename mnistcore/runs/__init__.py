"""The run folder, the queue, the worker process and the quota."""
