"""What a person's text means."""
