"""Names of the same tensors in different key layouts, as data."""
