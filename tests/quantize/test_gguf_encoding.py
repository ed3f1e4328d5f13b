"""GGML blocks that we make are those of the reference implementations, and come back as they read them."""

import gguf
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.quantize import gguf_encoding
from engine.quantize.gguf_encoding import GgufEncoding
from schemas.weight_types import GGUF_TYPES
from tests.quantize.stand_ins import ArrayReader, decoded, encoded, gaussian

libgguf = pytest.importorskip("libgguf")

BLOCKED = [kind for kind in GGUF_TYPES if not kind.endswith("F16")]
NUMPY_MAKES = ("F16", "BF16", "Q8_0", "Q5_0", "Q5_1", "Q4_0", "Q4_1")


@pytest.mark.parametrize("kind", GGUF_TYPES)
def test_bytes_equal_libgguf_and_values_equal_gguf(kind: str) -> None:
    source = ArrayReader("w", gaussian(24, 512))
    number = gguf.GGMLQuantizationType[kind]
    (data,) = encoded(GgufEncoding(kind), source)
    expected = libgguf.quantize_rows(source.values, number)
    assert bytes(data) == expected.tobytes()
    read = gguf.quants.dequantize(np.frombuffer(data, np.uint8).reshape(24, -1).view(expected.dtype), number)
    assert np.array_equal(decoded(GgufEncoding(kind), [data], (24, 512)), read)


@pytest.mark.parametrize("kind", [kind for kind in BLOCKED if kind not in ("Q8_0", "IQ4_XS")])
def test_an_importance_matrix_is_used_as_libgguf_uses_it(kind: str) -> None:
    source, weights = ArrayReader("w", gaussian(8, 512)), np.random.default_rng(1).random(512, dtype=np.float32)
    (data,) = encoded(GgufEncoding(kind, weights), source)
    expected = libgguf.quantize_rows(source.values, gguf.GGMLQuantizationType[kind], imatrix=weights)
    assert bytes(data) == expected.tobytes()
    assert bytes(data) != bytes(encoded(GgufEncoding(kind), source)[0])


@pytest.mark.parametrize("kind", ["Q4_K", "Q6_K", "IQ4_XS"])
def test_odd_rows_become_rows_of_256_and_the_shape_is_noted(kind: str) -> None:
    source = ArrayReader("w", gaussian(64, 192))
    (piece,) = GgufEncoding(kind).pieces("w", (64, 192))
    assert (piece.shape, piece.note) == ((48, 256), (64, 192))
    (data,) = encoded(GgufEncoding(kind), source)
    number = gguf.GGMLQuantizationType[kind]
    assert bytes(data) == libgguf.quantize_rows(source.values.reshape(48, 256), number).tobytes()
    whole = decoded(GgufEncoding(kind), [data], (64, 192))
    assert np.array_equal(GgufEncoding(kind).decode([memoryview(data)], (64, 192), 5, 9), whole[5:9])


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(1, 40), blocks=st.integers(1, 6), kind=st.sampled_from(BLOCKED), data=st.data())
def test_any_run_of_rows_decodes_as_the_whole_does(rows: int, blocks: int, kind: str, data: st.DataObject) -> None:
    shape = (rows * 8, blocks * 32)
    source = ArrayReader("w", gaussian(*shape))
    pieces = encoded(GgufEncoding(kind), source)
    whole = decoded(GgufEncoding(kind), pieces, shape)
    first = data.draw(st.integers(0, shape[0] - 1))
    last = data.draw(st.integers(first + 1, shape[0]))
    part = GgufEncoding(kind).decode([memoryview(piece) for piece in pieces], shape, first, last)
    assert np.array_equal(part, whole[first:last])
    assert np.sqrt(np.mean((whole - source.values) ** 2)) < 0.4 * 0.02


@pytest.mark.parametrize("kind", NUMPY_MAKES)
def test_without_libgguf_numpy_makes_what_it_can(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = ArrayReader("w", gaussian(8, 64))
    native = decoded(GgufEncoding(kind), encoded(GgufEncoding(kind), source), (8, 64))
    monkeypatch.setattr(gguf_encoding, "has_native", lambda: False)
    gguf_encoding.encodable.cache_clear()
    assert gguf_encoding.encodable(kind)
    again = decoded(GgufEncoding(kind), encoded(GgufEncoding(kind), source), (8, 64))
    assert np.allclose(again, native, atol=0.01)


def test_without_libgguf_numpy_says_what_it_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_encoding, "has_native", lambda: False)
    gguf_encoding.encodable.cache_clear()
    assert not gguf_encoding.encodable("Q4_K")
    gguf_encoding.encodable.cache_clear()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["Q4_K", "F32"])
def test_what_is_no_finite_number_is_an_error_that_names_the_tensor(value: float, kind: str) -> None:
    values = gaussian(4, 256)
    values[2, 7] = value
    with pytest.raises(ValueError, match="'blocks.0.weight' holds values"):
        encoded(GgufEncoding(kind), ArrayReader("blocks.0.weight", values))


def test_values_that_fill_no_whole_blocks_are_an_error() -> None:
    with pytest.raises(ValueError, match="does not fill blocks of 256"):
        GgufEncoding("Q4_K").pieces("w", (3, 100))


def test_zeros_stay_zeros() -> None:
    for kind in GGUF_TYPES:
        source = ArrayReader("w", np.zeros((2, 256), np.float32))
        assert not decoded(GgufEncoding(kind), encoded(GgufEncoding(kind), source), (2, 256)).any()
