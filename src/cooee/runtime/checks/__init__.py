"""Checks of `cooee check`: each looks at one thing that an app needs, and changes nothing."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Verdict: TypeAlias = Literal["ok", "note", "wrong"]


class Finding(msgspec.Struct, frozen=True):
    """The result of one check, and in words the next step, if there is one."""

    name: str
    verdict: Verdict
    words: str
