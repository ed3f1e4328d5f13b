"""What a model file says about itself, from its header alone: no weights are read, nothing heavy is imported."""
