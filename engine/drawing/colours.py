"""Colours of the editor's dark theme, and how they are mixed. A colour is (red, green, blue), 0 to 255."""

from functools import lru_cache

from PIL import ImageColor

Colour = tuple[int, int, int]

GROUND: Colour = (33, 33, 33)
PANEL: Colour = (40, 40, 43)
TITLE_BAR: Colour = (51, 51, 51)
BODY: Colour = (53, 53, 53)
EDGE: Colour = (20, 20, 20)
TITLE_TEXT: Colour = (214, 214, 214)
SOCKET_TEXT: Colour = (176, 176, 176)
WIDGET: Colour = (34, 34, 34)
WIDGET_EDGE: Colour = (84, 84, 84)
WIDGET_NAME: Colour = (148, 148, 148)
WIDGET_TEXT: Colour = (221, 221, 221)
WIRE: Colour = (153, 170, 153)
FAILED: Colour = (232, 64, 64)
FAILED_GROUND: Colour = (74, 20, 22)
FAILED_TEXT: Colour = (255, 214, 210)
CACHED: Colour = (62, 110, 82)
RAN: Colour = (70, 78, 96)
BYPASSED: Colour = (160, 32, 200)
PILLAR: Colour = (27, 27, 29)

BY_TYPE: dict[str, Colour] = {
    "CLIP": (255, 213, 0),
    "CLIP_VISION": (168, 218, 220),
    "CLIP_VISION_OUTPUT": (173, 116, 82),
    "CONDITIONING": (255, 169, 49),
    "CONTROL_NET": (110, 231, 183),
    "IMAGE": (100, 181, 246),
    "LATENT": (255, 156, 249),
    "MASK": (129, 199, 132),
    "MODEL": (179, 157, 219),
    "STYLE_MODEL": (194, 255, 174),
    "VAE": (255, 110, 110),
    "NOISE": (176, 176, 176),
    "GUIDER": (102, 255, 255),
    "SAMPLER": (236, 180, 180),
    "SIGMAS": (205, 255, 205),
    "TAESD": (220, 194, 116),
    "VIDEO": (150, 140, 240),
    "AUDIO": (240, 160, 200),
}
"""By the type of a link or socket."""


@lru_cache(maxsize=4096)
def of(name: str | None, otherwise: Colour) -> Colour:
    """A colour as style sheets write it; another if the text is none. lru_cache: files repeat few."""
    if not name or len(name) > 40:
        return otherwise
    try:
        return ImageColor.getrgb(name)[:3]
    except ValueError:
        return otherwise


def of_type(kind: str) -> Colour:
    """The colour of a type; of a list of types that of the first with a colour."""
    return next((BY_TYPE[each] for each in kind.upper().split(",")[:8] if each in BY_TYPE), WIRE)


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """Between two colours. share: of the other, 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
