"""T5 v1.1 encoders (gated feed-forward), in Hugging Face and llama.cpp key layout."""

from dataclasses import dataclass


@dataclass(frozen=True)
class T5Sizes:
    """All that shapes tell about a T5 encoder.

    heads, buckets: of the relative position table. head_width: values per head. tokens: size of the vocabulary.
    """

    width: int
    layers: int
    feed_forward: int
    heads: int
    head_width: int
    tokens: int
    buckets: int
