"""``python -m cooee``: the command line."""

from cooee.cli import main

main()
