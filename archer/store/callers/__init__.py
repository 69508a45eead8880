"""What is kept of callers: the audit of what they asked for, and how many of their jobs wait."""
