"""The only calls to a cluster. What a cluster is stands in ``port``; each adapter passes the same tests."""
