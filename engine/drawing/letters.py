"""Letters: the font that Pillow brings, and for scripts that it lacks whatever the system has."""

from functools import lru_cache

from PIL import ImageFont

Font = ImageFont.FreeTypeFont

OTHERS = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansSC-Regular.otf",
    "SourceHanSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "DroidSansFallbackFull.ttf",
    "msyh.ttc",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "DejaVuSans.ttf",
    "segoeui.ttf",
    "arial.ttf",
    "Arial Unicode.ttf",
)
"""Files of fonts with many scripts, as systems name them."""
ABSENT = "\U0010fffe"
"""A character that no font has."""
UNSEEN = ((0x7F, 0x9F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2066, 0x2069), (0xD800, 0xDFFF), (0xFE00, 0xFE0F))
"""Characters that are not drawn, from first to last."""
SPACES = frozenset({0x20, 0xA0})


@lru_cache(maxsize=256)
def font(size: int, name: str | None = None) -> Font:
    """A font of this many pixels. name: of one of the system's; None for Pillow's own."""
    if name is not None:
        return ImageFont.truetype(name, size, layout_engine=ImageFont.Layout.BASIC)
    built_in = ImageFont.load_default(size)
    if not isinstance(built_in, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType")
    return built_in


def _mask(name: str | None, letter: str) -> bytes:
    return bytes(font(16, name).getmask(letter))


@lru_cache(maxsize=1)
def _at_hand() -> tuple[str | None, ...]:
    """Pillow's font, then those of the list that this system has."""
    found: list[str | None] = [None]
    for name in OTHERS:
        try:
            font(16, name)
        except OSError:
            continue
        found.append(name)
    return tuple(found)


@lru_cache(maxsize=16_384)
def _carrier(letter: str) -> str | None:
    """The first font that has a letter; Pillow's own if none does."""
    if letter.isascii():
        return None
    for name in _at_hand():
        if _mask(name, letter) != _mask(name, ABSENT):
            return name
    return None


def _unseen(letter: str) -> bool:
    """Control characters, joiners and selectors, and halves of surrogate pairs."""
    code = ord(letter)
    return code < 0x20 or any(first <= code <= last for first, last in UNSEEN)


def runs(text: str) -> list[tuple[str | None, str]]:
    """A text cut where another font is needed. Letters that no font has, such as small pictures, are left out."""
    found: list[tuple[str | None, str]] = []
    for letter in text:
        if _unseen(letter):
            continue
        name = _carrier(letter)
        if name is None and ord(letter) > 0xFFFF:
            continue
        if found and found[-1][0] == name:
            found[-1] = (name, found[-1][1] + letter)
        else:
            found.append((name, letter))
    return found


@lru_cache(maxsize=65_536)
def advance(letter: str, size: int) -> float:
    """How far a letter moves the next one, in pixels."""
    if _unseen(letter):
        return 0.0
    return font(size, _carrier(letter)).getlength(letter)


def width(text: str, size: int) -> float:
    """How wide a line is, in pixels."""
    return sum(advance(letter, size) for letter in text)


def clipped(text: str, size: int, room: float) -> str:
    """The beginning of a line that fits into so many pixels, with … if that is not all."""
    text = " ".join(text[:400].split())
    used, dots = 0.0, advance("…", size)
    fitting = 0
    for index, letter in enumerate(text):
        used += advance(letter, size)
        if used > room:
            return text[:fitting].rstrip() + "…" if room >= dots else ""
        if used + dots <= room:
            fitting = index + 1
    return text


def wrapped(text: str, size: int, room: float, lines: int) -> list[str]:
    """A text in at most so many lines, broken at spaces where it can be; the last one ends in … if that is not all."""
    found: list[str] = []
    for paragraph in text.splitlines():
        for line in _broken(paragraph, size, room):
            if len(found) == lines:
                found[-1] = clipped(found[-1] + "…", size, room) if found else ""
                return found
            found.append(line)
    return found


def _broken(paragraph: str, size: int, room: float) -> list[str]:
    """One paragraph as lines."""
    found: list[str] = []
    begin, used, space = 0, 0.0, -1
    for index, letter in enumerate(paragraph):
        used += advance(letter, size)
        if ord(letter) in SPACES:
            space = index
        if used > room and index > begin:
            cut = space if space > begin else index
            found.append(paragraph[begin:cut].rstrip())
            begin = cut + (1 if cut == space else 0)
            used, space = width(paragraph[begin : index + 1], size), -1
    return [*found, paragraph[begin:].rstrip()]
