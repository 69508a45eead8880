"""The third fence: what an application of a tenant may hold, as policies that API servers keep alone."""
