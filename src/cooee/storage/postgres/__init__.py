"""PostgreSQL: the store for many processes."""
