"""Two-way text-message conversations in plain Python."""
