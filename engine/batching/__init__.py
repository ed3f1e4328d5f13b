"""Batching: one graph and many rows of settings become jobs that share what they have in common."""
