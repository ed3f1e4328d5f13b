"""What a picture says of the graph that made it: the texts "prompt" and "workflow", wherever its format keeps them."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.reading import exif, png_chunks

PROMPT = "prompt"
WORKFLOW = "workflow"
PARAMETERS = "parameters"
"""Where other programs than ComfyUI keep plain generation parameters."""
_LABELS = (PROMPT, WORKFLOW)


@dataclass(frozen=True)
class Embedded:
    """Texts found in a picture. kind: of picture, in words. place: said of a text, such as "text chunk 'prompt'"."""

    kind: str
    place: str
    texts: dict[str, str]


def embedded(data: bytes) -> Embedded | None:
    """The graph texts of a PNG, WebP or JPEG file; None if the bytes are none of these."""
    if data.startswith(png_chunks.SIGNATURE):
        texts = dict(_labelled(exif.texts(png_chunks.exif(data) or b"")))
        texts |= {key.lower(): text for key, text in png_chunks.texts(data)}
        return Embedded("PNG", "text chunk", texts)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Embedded("WebP", "EXIF text", dict(_labelled(exif.texts(exif.webp_exif(data) or b""))))
    if data.startswith(b"\xff\xd8\xff"):
        comments = [body.decode("utf-8", "replace") for marker, body in exif.jpeg_segments(data) if marker == 0xFE]
        return Embedded("JPEG", "EXIF text", dict(_labelled([*exif.texts(exif.jpeg_exif(data) or b""), *comments])))
    return None


def _labelled(texts: Iterable[str]) -> Iterable[tuple[str, str]]:
    """(label, text) for "prompt:{...}" and "workflow:{...}" in any case; bare JSON counts as the prompt."""
    for text in texts:
        label, colon, rest = text.partition(":")
        if colon and label.strip().lower() in _LABELS:
            yield label.strip().lower(), rest.strip()
        elif text.startswith("{"):
            yield PROMPT, text
        elif "Steps:" in text:
            yield PARAMETERS, text
