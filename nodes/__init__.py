"""The nodes comfyless brings: thin declarations, one file per ComfyUI category. The registry finds them by name."""

MODULES = (
    "nodes.sampling",
)
"""Modules that list node classes in NODES."""
