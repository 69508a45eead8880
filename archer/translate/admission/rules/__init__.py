"""What one application may hold, by subject. The form is closed: what Archer never writes is refused."""
