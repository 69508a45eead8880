"""The real servers that end-to-end tests run against, built and run on one Linux machine.

Three Kubernetes clusters: ``moka-a`` runs containers, ``moka-arm`` and ``moka-x86`` have fake nodes. What a
test may rely on (addresses, names) is in :mod:`tests.stack.layout`; the rest is how it comes to be.
"""
