"""One structured line for each event; people's words and numbers only where asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

logger = logging.getLogger("cooee")

_UNMARKED = frozenset(map(chr, range(33, 127))) - set("\"'=")


def tell(
    event: str,
    level: int = logging.INFO,
    *,
    private: Mapping[str, object] | None = None,
    **fields: object,
) -> None:
    """Log an event.

    Args:
        event: its name, a word or two with hyphens; at DEBUG these are the points of a text's
            way: received, claimed, finishing, finished, sending, sent, recorded.
        level: as in `logging`.
        private: what only an operator who asked for it may see: numbers, words, secrets' names.
        fields: everything else.
    """
    if logger.isEnabledFor(level):
        logger.log(level, event, extra={"fields": fields, "private": private or {}})


def blame(error: BaseException) -> str:
    """An error for the log: its type and where in the code; its words may be a person's."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = f" at {last.tb_frame.f_code.co_filename}:{last.tb_lineno}" if last else ""
    return type(error).__name__ + where


class Lines(logging.Formatter):
    """``2026-01-01T00:00:00Z info answered seq=3``: a line an event, a field a word.

    Args:
        private: show numbers and words too (`COOEE_LOG_PRIVATE=yes`).
        discreet: covers what not even they may show.
    """

    def __init__(
        self, *, private: bool = False, discreet: Callable[[str], str] = lambda words: words
    ) -> None:
        super().__init__()
        self._private, self._discreet = private, discreet

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        fields = dict(getattr(record, "fields", {}))
        if self._private:
            fields |= getattr(record, "private", {})
        words = [at, record.levelname.lower(), _word(record.getMessage())]
        words += [f"{name}={_word(value)}" for name, value in fields.items() if value is not None]
        return self._discreet(" ".join(words))


def _word(value: object) -> str:
    text = str(value)
    if text and _UNMARKED.issuperset(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
