"""Commands of `cooee`, one file each, named after the command."""
