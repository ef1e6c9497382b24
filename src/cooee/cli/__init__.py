"""The command line: `cooee run`, `cooee phone`, and what an operator needs beside them."""

from cooee.cli.commands import main

__all__ = ["main"]
