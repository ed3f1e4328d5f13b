"""llama.cpp's key names of a tensor become Hugging Face's, block by block."""

import re
from collections.abc import Mapping


def renamed(
    name: str, block: re.Pattern[str], within: str, in_block: Mapping[str, str], outside: Mapping[str, str]
) -> str:
    """Hugging Face's name of a tensor; one that is in neither table stays as it is.

    block: matches names inside a block: its number, and what is behind. within: what stands before that number in the
    new name. in_block: from what is behind the number to what is behind it then. outside: whole names.
    """
    found = block.fullmatch(name)
    if found is None:
        return outside.get(name, name)
    known = in_block.get(found[2])
    return name if known is None else f"{within}.{found[1]}.{known}"
