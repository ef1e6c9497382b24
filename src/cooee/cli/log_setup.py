"""Logging of a command: where the log goes, and what it shows."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable


def configure_logging(
    level: int | str, *, private: bool, redact: Callable[[str], str] = lambda words: words
) -> None:
    """Log to standard error: a line for each event of cooee, and the warnings of libraries.

    Args:
        level: the lowest level of cooee's events to log.
        private: show people's numbers and texts.
        redact: masks secrets in each line.
    """
    from cooee.runtime.log import LogfmtFormatter

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogfmtFormatter(show_private=private, redact=redact))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("cooee").setLevel(level)
