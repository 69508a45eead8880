"""Archer over HTTP: the connection, its refusals in words, and how long it is tried again."""
