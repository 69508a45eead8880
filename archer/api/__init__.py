"""Archer over HTTP: accept, validate, read, cancel; nothing else."""
