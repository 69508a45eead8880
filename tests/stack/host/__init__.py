"""What the stack changes on the machine, and how that is undone."""
