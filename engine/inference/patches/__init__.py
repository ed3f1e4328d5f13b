"""Changes of a model that last as long as it is borrowed: laid beside its weights, never into them."""
