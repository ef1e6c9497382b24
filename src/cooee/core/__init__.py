"""Texts, parsing, apps and dialogues as pure rules and data: no I/O, no clock (law 8)."""
