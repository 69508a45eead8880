"""Everything embedded in one process, for ``make demo`` and ``make run``: no cluster, no Docker."""
