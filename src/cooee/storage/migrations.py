"""Migrations of the schema: numbered scripts that only go forward."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

from cooee.core.errors import SchemaTooNew


class Migration(msgspec.Struct, frozen=True):
    """A script that leads to a schema version, as its statements."""

    version: int
    statements: Sequence[str]


def load_migrations(dialect: str) -> Sequence[Migration]:
    """Return the migrations of a dialect (``"sqlite"``), in order."""
    return read_migrations(files(f"cooee.storage.{dialect}").joinpath("migrations"))


def read_migrations(directory: Traversable) -> Sequence[Migration]:
    """Return the migrations in a directory of scripts (``0001_schema.sql``), in order."""
    scripts = sorted(
        (entry.name, entry) for entry in directory.iterdir() if entry.name[:4].isdigit()
    )
    return [
        Migration(int(name[:4]), split_statements(entry.read_text("utf-8")))
        for name, entry in scripts
    ]


def missing_migrations(version: int, migrations: Sequence[Migration]) -> Sequence[Migration]:
    """Return the migrations that a database of `version` lacks.

    Raises:
        SchemaTooNew: a newer cooee wrote the database.
    """
    latest = migrations[-1].version
    if version > latest:
        raise SchemaTooNew(
            f"The database has schema {version}, and this cooee knows only {latest}."
            " Install the newer cooee again, or open a backup from before the upgrade."
        )
    return [migration for migration in migrations if migration.version > version]


def split_statements(script: str) -> Sequence[str]:
    """Return the statements of a script; each ends with a semicolon at the end of a line."""
    lines = [line.partition("--")[0].rstrip() for line in script.splitlines()]
    statements = "\n".join(line for line in lines if line).split(";\n")
    return [text.strip().removesuffix(";") for text in statements if text.strip()]
