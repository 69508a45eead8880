"""`moka submit`: spark-submit's words, turned into one job request."""
