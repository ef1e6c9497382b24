"""The log: one structured line an event; texts and numbers only where asked for."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

logger = logging.getLogger("cooee")

_UNQUOTED_CHARS = frozenset(map(chr, range(33, 127))) - set("\"'=")


def log_event(
    event: str,
    level: int = logging.INFO,
    *,
    private: Mapping[str, object] | None = None,
    **fields: object,
) -> None:
    """Log a line. The lines of `runtime.events` are written by `event_log` alone.

    Args:
        event: the line's name, a word or two with hyphens.
        level: a level of `logging`.
        private: fields for an operator who asked for them: numbers, texts, words of errors.
        fields: all other fields; a field that is None is left out.
    """
    # A handler or a filter of the app's own logging may raise, and no turn ends for it.
    with contextlib.suppress(Exception):
        if logger.isEnabledFor(level):
            logger.log(level, event, extra={"fields": fields, "private": private or {}})


def error_location(error: BaseException) -> str:
    """Return an error's type and line for the log; its message may hold a person's text."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    location = (
        f" at {traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}" if traceback else ""
    )
    return type(error).__name__ + location


class LogfmtFilter(logging.Filter):
    """Puts an event's fields into its message, for the handlers of an outer application.

    Any formatter then shows ``answered seq=3``; `record.event` is the event's name, and
    `record.fields` stay for a formatter that writes JSON.

    Args:
        show_private: show the private fields too (`COOEE_LOG_PRIVATE=yes`).
        redact: masks secrets, which no line may show.
    """

    def __init__(
        self, *, show_private: bool = False, redact: Callable[[str], str] = lambda words: words
    ) -> None:
        super().__init__()
        self._show_private, self._redact = show_private, redact

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; let it pass."""
        event = record.getMessage()
        fields = _shown_fields(record, show_private=self._show_private)
        record.event, record.fields, record.private = event, fields, {}
        record.msg, record.args = self._redact(" ".join([event, *_format_fields(fields)])), ()
        return True


class LogfmtFormatter(logging.Formatter):
    """``2026-01-01T00:00:00Z info answered seq=3``: a line an event, a field a word.

    Args:
        show_private: show the private fields too (`COOEE_LOG_PRIVATE=yes`).
        redact: masks secrets, which no line may show.
    """

    def __init__(
        self, *, show_private: bool = False, redact: Callable[[str], str] = lambda words: words
    ) -> None:
        super().__init__()
        self._show_private, self._redact = show_private, redact

    def format(self, record: logging.LogRecord) -> str:
        timestamp = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        fields = _shown_fields(record, show_private=self._show_private)
        parts = [timestamp, record.levelname.lower(), _quote_value(record.getMessage())]
        parts += _format_fields(fields)
        return self._redact(" ".join(parts))


def _shown_fields(record: logging.LogRecord, *, show_private: bool) -> dict[str, object]:
    fields = dict(getattr(record, "fields", {}))
    return fields | getattr(record, "private", {}) if show_private else fields


def _format_fields(fields: Mapping[str, object]) -> list[str]:
    return [f"{name}={_quote_value(value)}" for name, value in fields.items() if value is not None]


def _quote_value(value: object) -> str:
    text = str(value)
    if text and _UNQUOTED_CHARS.issuperset(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
