"""What callers send, read without trust."""
