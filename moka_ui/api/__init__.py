"""The JSON that the pages read."""
