"""The only SQL. Postgres holds the truth and enforces it; Python asks."""
