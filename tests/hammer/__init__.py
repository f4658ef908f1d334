"""Several processes on one database at once, and a checker of what they were told."""
