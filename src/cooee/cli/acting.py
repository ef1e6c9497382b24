"""The process that `cooee phone` starts for each version of an app; not for people."""

from __future__ import annotations

import logging
import signal
import sys

import msgspec

from cooee.cli.loading import load
from cooee.cli.run import log
from cooee.phone.actor import act
from cooee.phone.reports import Role

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the other process's to hear
    log(logging.WARNING, private=True)
    for handler in logging.getLogger().handlers:
        handler.setLevel(logging.WARNING)  # the page hears more than the terminal
    act(msgspec.json.decode(sys.argv[1], type=Role), load)
