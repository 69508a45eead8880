"""Everything embedded in one process, for ``make demo`` and ``make run``: Postgres, Archer, Moka UI, a cluster."""
