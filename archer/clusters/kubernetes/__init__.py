"""Real Kubernetes clusters: raw bytes over a pool of connections each, decoded only as far as is stored.

The ``kubernetes`` package reads kubeconfigs and credentials; every call is our own, so that each has a
deadline, and each error one class.
"""
