"""A picture as the bytes of a PNG file that carries its graph, so that it opens in an editor and here."""

import io
import json
from typing import Any

from PIL import Image, PngImagePlugin

DRAWING = "comfyless drawing"
"""Keyword of the text that tells our drawings from pictures that a graph has made."""


def png(image: Image.Image, prompt: dict[str, Any] | None, workflow: dict[str, Any] | None) -> bytes:
    """The file. prompt, workflow: the graph in API form and the editor's, as ComfyUI writes them into its pictures."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text(DRAWING, "1")
    for keyword, value in (("prompt", prompt), ("workflow", workflow)):
        if value is not None:
            chunks.add_text(keyword, _strict(value))
    file = io.BytesIO()
    image.save(file, "PNG", pnginfo=chunks)
    return file.getvalue()


def _strict(value: Any) -> str:
    """JSON that browsers read: what is no number is null."""
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(json.loads(json.dumps(value), parse_constant=lambda name: None))
