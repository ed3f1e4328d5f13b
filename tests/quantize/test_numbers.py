"""Numbers agree with PyTorch's casts."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.quantize.numbers import FLOAT8, float8_values, narrow, power, row_runs, widen

TORCH = {
    "fp32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
    "fp8_e4m3fn": torch.float8_e4m3fn,
    "fp8_e5m2": torch.float8_e5m2,
}
PLAIN = sorted(TORCH)


def torch_bytes(values, dtype):
    return torch.from_numpy(values).to(TORCH[dtype]).view(torch.uint8).numpy().reshape(-1)


@pytest.mark.parametrize("dtype", PLAIN)
def test_every_code_widens_to_what_pytorch_makes_of_it(dtype):
    size = TORCH[dtype].itemsize
    counts = np.arange(1 << min(8 * size, 16), dtype=np.uint32 if size == 4 else f"u{size}")
    codes = (counts * 65521 if size == 4 else counts).view(np.uint8)
    theirs = torch.from_numpy(codes.copy()).view(TORCH[dtype]).float().numpy()
    np.testing.assert_array_equal(widen(codes, dtype), theirs)


@pytest.mark.parametrize("dtype", PLAIN)
def test_narrowing_equals_pytorch_over_the_whole_range(dtype):
    largest = torch.finfo(TORCH[dtype]).max
    bits = np.arange(0, 1 << 32, 4093, dtype=np.uint32)
    values = bits.view(np.float32)
    values = values[np.isfinite(values) & (np.abs(values) <= largest)]
    np.testing.assert_array_equal(narrow(values, dtype), torch_bytes(values, dtype))


@pytest.mark.parametrize("dtype", ["fp16", "bf16", *FLOAT8])
def test_ties_and_their_neighbours_round_as_in_pytorch(dtype):
    known = (
        float8_values(dtype) if dtype in FLOAT8 else widen(np.arange(1 << 16, dtype=np.uint16).view(np.uint8), dtype)
    )
    known = np.sort(known[np.isfinite(known)])
    middles = ((known[1:].astype(np.float64) + known[:-1]) / 2).astype(np.float32)
    values = np.concatenate(
        [middles, np.nextafter(middles, np.float32(np.inf)), np.nextafter(middles, -np.float32(1e38))]
    )
    np.testing.assert_array_equal(narrow(values, dtype), torch_bytes(values, dtype))


@pytest.mark.parametrize("dtype", ["fp16", "bf16", *FLOAT8])
def test_numbers_beyond_the_range_become_the_largest(dtype):
    largest = torch.finfo(TORCH[dtype]).max
    beyond = np.array([3.4028235e38, -3.4028235e38], np.float32)
    np.testing.assert_array_equal(widen(narrow(beyond, dtype), dtype), np.array([largest, -largest], np.float32))


@pytest.mark.parametrize("dtype", PLAIN)
def test_nan_stays_nan(dtype):
    odd = np.array([np.nan, -np.nan, 1], np.float32)
    np.testing.assert_array_equal(np.isnan(widen(narrow(odd, dtype), dtype)), [True, True, False])


@pytest.mark.parametrize("dtype", PLAIN)
@given(st.lists(st.floats(width=32, min_value=-400, max_value=400), max_size=40))
def test_what_was_narrowed_stays_what_it_is(dtype, values):
    once = narrow(np.array(values, np.float32), dtype)
    np.testing.assert_array_equal(narrow(widen(once, dtype), dtype), once)


def test_types_that_are_not_plain_are_refused():
    with pytest.raises(ValueError, match="gguf:Q4_K is no plain type"):
        widen(np.zeros(4, np.uint8), "gguf:Q4_K")
    with pytest.raises(ValueError, match="int8 is no type"):
        narrow(np.zeros(4, np.float32), "int8")


@given(st.integers(0, 40), st.integers(0, 1 << 21), st.sampled_from([1, 2, 64, 256]))
def test_runs_of_rows_cover_a_tensor_in_whole_blocks(rows, columns, multiple):
    runs = list(row_runs((rows, columns), multiple))
    assert [run[0] for run in runs[1:]] == [run[1] for run in runs[:-1]]
    assert not runs or (runs[0][0], runs[-1][1]) == (0, rows)
    assert all((last - first) * columns % multiple == 0 for first, last in runs[:-1])
    assert all((last - first) * columns <= max(1 << 22, columns * multiple) for first, last in runs)


def test_squares_are_added_up_whatever_their_size() -> None:
    large = np.array([1e38, -1e38, 1], np.float32)
    assert power(large) == pytest.approx(2e76)
    assert power(np.array([3, 4], np.float32)) == 25
    assert power(np.array([np.inf, 1], np.float32)) == np.inf
    assert np.isnan(power(np.array([np.nan, 1], np.float32)))
