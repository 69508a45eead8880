"""Moka UI: read-only pages about jobs, over the database views ``ui_*`` and Archer's logs."""
