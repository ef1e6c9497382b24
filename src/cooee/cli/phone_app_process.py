"""The entry point of the process of `cooee phone` for each version of an app."""

from __future__ import annotations

import logging
import signal
import sys

import msgspec

from cooee.cli.load_app import import_app
from cooee.cli.log_setup import configure_logging
from cooee.phone.app_controller import run_app_process
from cooee.phone.ipc_messages import StartArgs

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the other process's to hear
    configure_logging(logging.WARNING, private=True)
    for handler in logging.getLogger().handlers:
        handler.setLevel(logging.WARNING)  # the page hears more than the terminal
    run_app_process(msgspec.json.decode(sys.argv[1], type=StartArgs), import_app)
