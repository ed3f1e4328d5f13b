"""A graph becomes another graph: the base-model loader is exchanged, everything else stays."""
