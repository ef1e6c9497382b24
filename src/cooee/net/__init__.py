"""The outside world, handed in: clocks, HTTP out, HTTP in."""
