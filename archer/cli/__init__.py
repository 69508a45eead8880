"""The ``moka`` command line: a client of Archer's HTTP API that imports nothing else of Archer."""
