"""The command line: `cooee run`, `cooee phone`, and what an operator needs beside them."""

from cooee.cli.main import main

__all__ = ["main"]
