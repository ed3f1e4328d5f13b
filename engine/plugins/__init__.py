"""Who can do what: node classes by name, and which pack brings those we do not have."""
