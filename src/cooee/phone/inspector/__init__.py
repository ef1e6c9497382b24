"""What happened to each text."""
