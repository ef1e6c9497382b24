"""What stands between an app and its people, looked at one by one, and changed nowhere."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Verdict: TypeAlias = Literal["ok", "note", "wrong"]


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at, and in words what to do about it, if anything."""

    name: str
    verdict: Verdict
    words: str
