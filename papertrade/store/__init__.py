"""The SQLite store: the journal is the truth, every table a view of it or a cache."""
