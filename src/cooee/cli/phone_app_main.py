"""The process that `cooee phone` starts for each version of an app; not for people."""

from __future__ import annotations

import logging
import signal
import sys

import msgspec

from cooee.cli.commands.run import log
from cooee.cli.load_app import load
from cooee.phone.app_main import act
from cooee.phone.ipc_messages import Role

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the other process's to hear
    log(logging.WARNING, private=True)
    for handler in logging.getLogger().handlers:
        handler.setLevel(logging.WARNING)  # the page hears more than the terminal
    act(msgspec.json.decode(sys.argv[1], type=Role), load)
