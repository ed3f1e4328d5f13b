"""The nodes comfyless brings: thin declarations, one file per ComfyUI category. The registry finds them by name."""

MODULES = (
    "nodes.loaders",
    "nodes.gguf",
    "nodes.nf4",
    "nodes.conditioning",
    "nodes.flux",
    "nodes.latent",
    "nodes.image",
    "nodes.image_upscaling",
    "nodes.image_transform",
    "nodes.mask",
    "nodes.preview",
    "nodes.sampling",
    "nodes.custom_sampling",
    "nodes.model_sampling",
    "nodes.primitive",
    "nodes.logic",
    "nodes.calculation",
    "nodes.text",
    "nodes.text_patterns",
    "nodes.image_compare",
    "nodes.image_resizing",
)
"""Modules that list node classes in NODES."""
