"""Cluster to row: what the clusters show becomes the truth in Postgres.

Two streams for each cluster, of applications and of driver pods; one that fails leaves the other alone.
"""
