"""The Store in a PostgreSQL database, shared by any number of processes."""

from cooee.storage.postgres.store import PostgreSQL

__all__ = ["PostgreSQL"]
