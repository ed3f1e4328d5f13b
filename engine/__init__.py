"""The engine: a file becomes a graph, a plan, a run. Only engine.inference holds tensors."""
