"""Tokens in the file names of savers: `%date:yyyy-MM-dd%` and `%KSampler.seed%`, which ComfyUI's editor fills in.

What it does not know stays, as the server fills in `%width%`, `%year%` and the like. A date's format ends at its first
full stop, and one full stop makes it the name of a node, as in the editor.
"""

import math
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from schemas.node import MISSING

PREFIX = "filename_prefix"
SAVERS = frozenset(
    {"SaveImage", "SaveImageAdvanced", "SaveAnimatedPNG", "SaveAnimatedWEBP", "SaveSVGNode", "SaveVideo", "SaveWEBM"}
    | {"SaveAudio", "SaveAudioMP3", "SaveAudioOpus", "SaveAudioAdvanced", "SaveGLB", "SaveLatent"}
    | {"CLIPSave", "VAESave", "ModelSave", "LoraSave"}
)
"""Classes in whose field PREFIX tokens are filled in."""

DATE = "date:"

_TOKEN = re.compile(r"%([^%]+)%")
_UNFIT = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f]')
_DATE_PART = re.compile(r"dd?|MM?|hh?|mm?|ss?|yyyy|yyy|yy")


def applies_to(class_type: str, field: str) -> bool:
    """Whether the editor fills in tokens in this field of this class."""
    return field == PREFIX and class_type in SAVERS


def replace(text: str, now: datetime, lookup: Callable[[str, str], Any]) -> str:
    """The text with its tokens filled in.

    lookup: the value of a node's widget, by the node's name and the widget's; MISSING if there is none.
    """

    def filled(match: re.Match[str]) -> str:
        name, *rest = match[1].split(".")
        if len(rest) == 1:
            said = text_of(lookup(name, rest[0]))
            return match[0] if said is None else _UNFIT.sub("_", said)
        return date_text(name.removeprefix(DATE), now) if name.startswith(DATE) else match[0]

    return _TOKEN.sub(filled, text)


def date_text(form: str, now: datetime) -> str:
    """A moment as `form` says: d dd M MM h hh m mm s ss yy yyyy, hours from 0 to 23; all else as it stands."""
    parts = {"d": now.day, "M": now.month, "h": now.hour, "m": now.minute, "s": now.second}

    def part(match: re.Match[str]) -> str:
        letters = match[0]
        if letters[0] in parts:
            return f"{parts[letters[0]]:0{len(letters)}}"
        return {"yy": f"{now.year:04}"[2:], "yyyy": str(now.year)}.get(letters, letters)

    return _DATE_PART.sub(part, form)


def text_of(value: Any) -> str | None:
    """A widget's value as the editor writes it: true, 8 for 8.0, nothing for null. None for what is no single value."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    return str(value) if isinstance(value, int) and value is not MISSING else None


def _float_text(value: float) -> str:
    """A float in the shortest digits that give it back, with an exponent only from 1e21 and below 1e-6."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"
    if 1e-6 <= abs(value) < 1e21:
        digits = f"{Decimal(repr(value)):f}"
        return digits.rstrip("0").rstrip(".") if "." in digits else digits
    return re.sub(r"e([+-])0*", r"e\1", repr(value))
