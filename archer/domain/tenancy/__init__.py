"""Who may ask, and for what: policy, callers, and the rules that a request is held against."""
