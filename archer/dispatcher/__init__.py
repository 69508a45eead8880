"""The dispatcher: jobs to clusters, one lane for each."""
