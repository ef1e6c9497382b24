"""The replay engine: answers are remembered by question (docs/internals/replay.md)."""
