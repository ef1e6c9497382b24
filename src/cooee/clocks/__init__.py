"""Time, handed in."""
