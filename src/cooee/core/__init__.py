"""What a text is, what a conversation is, what an app says: no I/O, no clock."""
