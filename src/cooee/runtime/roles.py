"""Roles: the work that a process of a service takes on."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from cooee.core.errors import SettingError


class Role(StrEnum):
    """A part of the work; any number of processes may take on the same role."""

    WEB = "web"
    """Receive webhooks, and POST /send and /start."""
    WORKER = "worker"
    """Run turns and timers."""
    SENDER = "sender"
    """Hand texts to the provider: one process at a time for each of our numbers."""
    POLLER = "poller"
    """Read texts from the provider: one process at a time for each of our numbers."""


EVERY_ROLE = frozenset(Role)


def parse_roles(typed: str) -> frozenset[Role]:
    """Return the roles of a list with commas; every role for "".

    Raises:
        SettingError: a word is no role.
    """
    words = [word for part in typed.split(",") if (word := part.strip().lower())]
    known: Collection[str] = [role.value for role in Role]
    unknown = [word for word in words if word not in known]
    if unknown:
        raise SettingError(f"{unknown[0]!r} is no role. Choose from: {', '.join(known)}.")
    return frozenset(map(Role, words)) or EVERY_ROLE
