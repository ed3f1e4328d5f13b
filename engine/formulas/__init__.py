"""Formulas: what people write into a node to be worked out: arithmetic, and patterns that look for text."""
