"""Clocks: real, virtual, and moved ahead by hand."""
