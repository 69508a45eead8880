"""A cluster without Kubernetes: each application is a directory, each driver a real spark-submit child.

``cluster`` only reads and writes files, so any process may open it; ``operator`` starts drivers and writes
statuses, in one process at a time; ``driver.supervisor`` stays with one driver and outlives both.
"""
