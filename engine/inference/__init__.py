"""Below the torch line: tensors, models and sampling, and no knowledge of graphs."""
