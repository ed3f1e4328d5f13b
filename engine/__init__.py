"""The engine: a file becomes a graph, a plan, a run. Only engine.inference holds tensors."""

VERSION = "0.1.0"
"""The one place that states it; the package's metadata reads it from here."""
