"""The Store in one SQLite file."""

from cooee.storage.sqlite.store import SQLite

__all__ = ["SQLite"]
