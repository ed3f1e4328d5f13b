"""The table of token ids against the real tokenizers."""

import pytest

from engine.inference.encoders.tokenizers import clip, t5
from graphs.demo.pictures import COLOURS, PHRASINGS, SHAPES, Scene, caption
from graphs.demo.vocabulary import clip_ids, t5_ids


@pytest.mark.parametrize("phrasing", range(PHRASINGS))
@pytest.mark.parametrize("shape", SHAPES)
def test_captions_have_their_real_ids(shape: str, phrasing: int) -> None:
    colours = list(COLOURS)
    for colour, background in zip(colours, colours[1:] + colours[:1], strict=True):
        text = caption(Scene(shape, colour, background), phrasing)
        assert clip_ids(text)[1:-1] == clip.encode(text)
        assert t5_ids(text)[:-1] == t5.encode(text)
