"""The clusters and queues that Archer serves, as the clusters file has them now, which may change."""
