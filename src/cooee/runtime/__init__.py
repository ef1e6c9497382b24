"""Everything that waits: the worker, the sender, the poller, the web, and what joins them."""
