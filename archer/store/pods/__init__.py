"""Driver pods in the store: what was seen of them, and what those that wait are waiting for."""
