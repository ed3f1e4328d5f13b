"""Watching: graphs that are dropped into a folder become jobs, and leave it for `done` or `failed` with a report."""
