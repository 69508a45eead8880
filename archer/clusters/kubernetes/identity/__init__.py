"""Whose tokens others show to Archer; who Archer itself is stands in ``credentials``."""
