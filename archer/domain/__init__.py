"""What a job is and how it may change. Pure: nothing here waits, reads a clock or opens a file."""
