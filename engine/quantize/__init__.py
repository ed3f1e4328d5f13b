"""Model files from model files: other storage, tensor by tensor, without torch."""
