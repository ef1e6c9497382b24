"""The log of a mounted app: cooee's lines in the outer application's log, with their fields."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cooee.runtime.log import LogfmtFilter, log_event, logger

_ACCESS_LOGS = ("uvicorn.access", "hypercorn.access", "gunicorn.access", "_granian", "daphne")


@contextmanager
def mounted_log(level: str, *, show_private: bool, redact: Callable[[str], str]) -> Iterator[None]:
    """Write cooee's lines to the outer application's log; to standard error where it has none."""
    fields = LogfmtFilter(show_private=show_private, redact=redact)
    handler, level_before = None if logger.hasHandlers() else logging.StreamHandler(), logger.level
    if handler is not None:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
    logger.addFilter(fields)
    if logger.level == logging.NOTSET:
        logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(level_before)
        logger.removeFilter(fields)
        if handler is not None:
            logger.removeHandler(handler)


def warn_of_access_logs() -> None:
    """Warn of a server's access log, which prints the secret in our webhooks' path."""
    for name in _ACCESS_LOGS:
        access_log = logging.getLogger(name)
        # only a server that is in use gives its log handlers
        if access_log.handlers and access_log.isEnabledFor(logging.INFO):
            log_event(
                "access-log-shows-secret",
                logging.WARNING,
                log=name,
                note="It prints the path of our webhooks, whose secret lets anybody post texts."
                " Switch it off (uvicorn: --no-access-log), or mask that path in it.",
            )
