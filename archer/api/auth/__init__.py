"""Who calls: from the header ``Authorization`` to a principal, or to the one answer for all bad tokens."""
