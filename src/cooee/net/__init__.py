"""HTTP out, HTTP in."""
