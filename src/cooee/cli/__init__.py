"""The command line: `cooee run`, `cooee phone`, and the commands of an operator."""

from cooee.cli.main import main

__all__ = ["main"]
