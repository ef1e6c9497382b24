"""Commands of `cooee`, a file each, named after the command."""
