"""Archer: accepts Spark jobs over HTTP, keeps them in Postgres, runs each as SparkApplications."""

__version__ = "0.1.0"
