"""8-bit floats: plain as PyTorch casts, scaled as ComfyUI's files have them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.quantize.fp8 import ScaledFp8Encoding, fp8_encoding
from tests.quantize.stand_ins import ArrayReader, decoded, encoded, gaussian

TORCH = {"e4m3fn": torch.float8_e4m3fn, "e5m2": torch.float8_e5m2}
VALUES = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=2, max_dims=2, max_side=20),
    elements=st.floats(-400, 400, width=32),
)


@pytest.mark.parametrize("kind", ["e4m3fn", "e5m2"])
@pytest.mark.parametrize("shape", [(7, 33), (5,), (2, 3, 3, 3), (1, 1)])
def test_plain_codes_are_those_of_pytorch(kind, shape):
    values = gaussian(*shape, width=3)
    encoding = fp8_encoding(kind)
    data = encoded(encoding, ArrayReader("w", values))
    theirs = torch.from_numpy(values).to(TORCH[kind])
    assert bytes(data[0]) == theirs.view(torch.uint8).numpy().tobytes()
    np.testing.assert_array_equal(decoded(encoding, data, shape), theirs.float().numpy())


@settings(max_examples=50, deadline=None)
@given(VALUES, st.floats(1e-6, 1e30))
def test_scaled_codes_use_the_whole_range(values, width):
    values = values * np.float32(width)
    encoding = ScaledFp8Encoding()
    data = encoded(encoding, ArrayReader("a.weight", values))
    scale = torch.tensor(np.abs(values).max() / np.float32(448)).clamp(min=1e-12)
    theirs = (torch.from_numpy(values) / scale).clamp(-448, 448).to(torch.float8_e4m3fn)
    assert bytes(data[1]) == scale.numpy().tobytes()
    assert bytes(data[0]) == theirs.view(torch.uint8).numpy().tobytes()
    np.testing.assert_array_equal(decoded(encoding, data, values.shape), (theirs.float() * scale).numpy())


def test_the_scale_stands_beside_the_weight_under_its_layers_name():
    codes, scale = ScaledFp8Encoding().pieces("blocks.0.qkv.weight", (3, 4))
    assert (codes.name, codes.dtype, codes.bytes) == ("blocks.0.qkv.weight", "fp8_e4m3fn", 12)
    assert (scale.name, scale.dtype, scale.shape, scale.bytes) == ("blocks.0.qkv.scale_weight", "fp32", (), 4)
    with pytest.raises(ValueError, match="can have no scale"):
        ScaledFp8Encoding().pieces("blocks.0.qkv.bias", (3,))
