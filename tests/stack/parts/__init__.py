"""The servers, one module for each kind: how it is configured, started, and known to be ready."""
