"""Checks this machine: the database, its disk, and the time zone data."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cooee.core.app.time_zones import INSTALL_DATA, load_time_zone
from cooee.core.errors import CooeeError
from cooee.runtime.checks import Finding, Verdict
from cooee.storage.dialects import (
    database_path,
    default_media_location,
    describe_database,
    find_database_problems,
    is_missing,
    open_store,
)
from cooee.storage.server_url import is_server

_LOW_DISK_BYTES, _FULL_DISK_BYTES = 500_000_000, 50_000_000  # bytes


async def check_database(
    url: str, now: Callable[[], datetime], *, forget_key: str = ""
) -> Sequence[Finding]:
    """Open the database beside a running app, write a change of nothing, and look at its disk."""
    name = describe_database(url)
    if is_missing(url):
        return [_missing_file_finding(database_path(url))]
    try:
        store = await open_store(url, now=now, owner=False, forget_key=forget_key)
        try:
            await store.prune(datetime(1970, 1, 2, tzinfo=UTC))  # a write that finds nothing
            counts = await store.counts()
        finally:
            await store.close()
        notes = [*await find_database_problems(url, forget_key=forget_key)]
    except CooeeError as error:
        return [Finding("database", "wrong", f"{name}: {error}")]
    if counts.unclean_exits:
        notes.append(
            f"{_count_in_words(counts.unclean_exits)} a process on it died without closing it."
        )
    if counts.set_aside or counts.unknown:
        notes.append("Some texts need a person: cooee conversations --trouble.")
    verdict: Verdict = "note" if notes else "ok"
    database = Finding("database", verdict, " ".join([f"{name} is written to.", *notes]))
    return [database] if is_server(url) else [database, _disk_space_finding(database_path(url))]


def check_media_location(database: str, location: str) -> Sequence[Finding]:
    """Note where each process would keep media in a folder of its own."""
    if not is_server(database) or location != default_media_location(database):
        return []
    words = (
        f"Pictures go to {location}, where processes on other machines do not find them. Set"
        " COOEE_MEDIA to a folder that all of them mount, or to a bucket."
    )
    return [Finding("media", "note", words)]


def _missing_file_finding(path: Path) -> Finding:
    if path.parent.is_dir():
        return Finding("database", "ok", f"{path} will be made by the first `cooee run`.")
    return Finding("database", "wrong", f"There is no folder {path.parent}: make it.")


def _disk_space_finding(path: Path) -> Finding:
    free = shutil.disk_usage(path.parent).free
    free_in_words = f"{free / 1e9:.1f} GB are free."
    if free < _LOW_DISK_BYTES:
        verdict: Verdict = "wrong" if free < _FULL_DISK_BYTES else "note"
        return Finding("disk", verdict, f"{free_in_words} A full disk stops every text: make room.")
    return Finding("disk", "ok", free_in_words)


def _count_in_words(count: int) -> str:
    return "Once" if count == 1 else f"{count} times"


def check_time_zones(load_zone: Callable[[str], Any] = load_time_zone) -> Finding:
    """Check that this machine has time zone data."""
    if load_zone("Australia/Lord_Howe") is None:
        problem = f"There is no time zone data. Quiet hours and dates need it: {INSTALL_DATA}"
        return Finding("time zones", "wrong", problem)
    return Finding("time zones", "ok", "The data is there.")
