"""ForgetKey: the secret by which forgotten people are known again, and their ids under it.

storage rule 9: the numbers of a country can all be tried in a second, so a hash hides nobody whose
key lies beside it. No copy of a database has the key: a file's lies in a file of its own, and a
server's is the setting COOEE_FORGET_KEY.
"""

from __future__ import annotations

import re
from hashlib import blake2b

import msgspec

from cooee.core.errors import SettingError

KEY_BYTES = 32
_ID_BYTES = 16  # as of a conversation's id
_CHECK_BYTES = 7  # of the number by which a database knows its key
_GIVE_UP = "give-up"
MAKE_KEY = "python3 -c 'import secrets; print(secrets.token_hex(32))'"


class ForgetKey(msgspec.Struct, frozen=True):
    """The key as a setting: 32 bytes, none, or the wish to give up what an old key hides."""

    value: bytes = b""
    gives_up: bool = False


NO_KEY = ForgetKey()


def parse_forget_key(value: str) -> ForgetKey:
    """Return the key that a setting names: 64 hex digits; `NO_KEY` for an empty setting.

    Raises:
        SettingError: the setting is no key.
    """
    if value.lower() == _GIVE_UP:
        return ForgetKey(gives_up=True)
    if value and not re.fullmatch("[0-9a-fA-F]{64}", value):
        raise SettingError(f"COOEE_FORGET_KEY is no key of 64 hex digits. To make one: {MAKE_KEY}")
    return ForgetKey(bytes.fromhex(value))


def check_forget_key(value: str) -> str:
    """Return a setting as it was given, if `parse_forget_key` can read it.

    Raises:
        SettingError: the setting is no key.
    """
    parse_forget_key(value)
    return value


def keyed_id(key: bytes, conversation: bytes) -> bytes:
    """Return the id under which a forgotten conversation is kept (RFC 7693, keyed BLAKE2b)."""
    return blake2b(conversation, key=key, digest_size=_ID_BYTES).digest()


def key_check(key: bytes) -> int:
    """Return the number by which a database knows its key again."""
    return int.from_bytes(blake2b(b"check", key=key, digest_size=_CHECK_BYTES).digest())


def find_setting_problem(key: ForgetKey, check: int | None) -> str:
    """Return a sentence on why COOEE_FORGET_KEY is of no use, with the remedy; "" for a good key.

    Args:
        key: the key as a setting.
        check: the number by which the database knows its key; None where it needs none.
    """
    if check is None or (key.value and key_check(key.value) == check):
        return ""
    if key.value:
        return (
            "COOEE_FORGET_KEY is the key of another database. Set it to the key that this database"
            " had when its first person was forgotten."
        )
    return (
        "COOEE_FORGET_KEY is not set, and without that key no forgotten person who opted out is"
        " known again. Set it to the key that this database had when its first person was"
        f" forgotten. To give those opt-outs up, set it to {_GIVE_UP} for one start."
    )
