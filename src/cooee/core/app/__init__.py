"""What the developer writes."""
