"""Disk cache: outputs of nodes by content key, in a folder that processes share: an index in SQLite, tensors beside."""
