"""NF4: codes and scales are bitsandbytes' own, and it reads what we write."""

import json

import numpy as np
import pytest
import torch
from bitsandbytes.functional import QuantState, create_dynamic_map, dequantize_4bit, quantize_4bit
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.quantize.nf4 import LEVELS, Nf4Encoding, dynamic_levels, nest
from tests.quantize.stand_ins import ArrayReader, decoded, encoded, gaussian

DTYPES = {"uint8": torch.uint8, "fp32": torch.float32}


def tensors_of(encoding, values):
    data = encoded(encoding, ArrayReader("w", values))
    pieces = encoding.pieces("w", values.shape)
    return data, {
        piece.name.removeprefix("w."): torch.frombuffer(part, dtype=DTYPES[piece.dtype]).reshape(piece.shape)
        for piece, part in zip(pieces, data, strict=True)
    }


def awkward(shape):
    values = gaussian(*shape, seed=len(shape) + shape[0])
    values[: len(values) // 3] = 0
    values[-1, -1] = 1e-30
    return values


SHAPES = st.tuples(st.integers(1, 70), st.integers(1, 70))


@settings(max_examples=40, deadline=None)
@given(SHAPES, st.floats(1e-20, 1e20), st.booleans())
def test_codes_and_scales_equal_bitsandbytes_bit_for_bit(shape, width, zeros):
    values = (awkward(shape) if zeros else gaussian(*shape)) * np.float32(width)
    _, ours = tensors_of(Nf4Encoding(), values)
    codes, state = quantize_4bit(torch.from_numpy(values), blocksize=64, quant_type="nf4")
    assert torch.equal(ours["w"], codes)
    assert torch.equal(ours["absmax"], state.absmax)
    assert torch.equal(ours["quant_map"], state.code)


def test_values_halfway_between_levels_take_the_lower_as_in_bitsandbytes():
    middles = (LEVELS[1:] + LEVELS[:-1]) / np.float32(2)
    near = np.concatenate([middles, np.nextafter(middles, np.float32(2)), np.nextafter(middles, np.float32(-2))])
    values = np.concatenate([near, np.ones(64 - len(near) % 64, np.float32)]).reshape(-1, 64)
    values[:, -1] = 1
    _, ours = tensors_of(Nf4Encoding(), values)
    assert torch.equal(ours["w"], quantize_4bit(torch.from_numpy(values), blocksize=64, quant_type="nf4")[0])


@pytest.mark.parametrize("nested", [False, True])
@settings(max_examples=25, deadline=None)
@given(shape=SHAPES)
def test_bitsandbytes_reads_our_state_and_decodes_to_the_same_numbers(nested, shape):
    encoding, values = Nf4Encoding(nested), awkward(shape)
    data, ours = tensors_of(encoding, values)
    codes = ours.pop("w")
    state = QuantState.from_dict(ours, torch.device("cpu"))
    assert state.dtype == (torch.bfloat16 if nested else torch.float16)
    assert (tuple(state.shape), state.nested) == (shape, nested)
    state.dtype = torch.float32
    theirs = dequantize_4bit(codes, state).numpy().reshape(shape)
    mine = decoded(encoding, data, shape)
    np.testing.assert_array_equal(mine, theirs)
    half = shape[0] // 2
    views = [memoryview(part) for part in data]
    np.testing.assert_array_equal(encoding.decode(views, shape, half, shape[0]), mine[half:])


def test_our_nested_scales_are_as_near_as_those_of_bitsandbytes():
    values = gaussian(256, 512)
    encoding = Nf4Encoding(nested=True)
    data, ours = tensors_of(encoding, values)
    codes, state = quantize_4bit(torch.from_numpy(values), blocksize=64, quant_type="nf4", compress_statistics=True)
    assert torch.equal(ours["w"], codes)
    assert torch.equal(ours["nested_quant_map"], create_dynamic_map())
    offset = json.loads(bytes(data[3]))["nested_offset"]
    assert offset == pytest.approx(state.offset.item(), rel=1e-6)
    apart = (ours["absmax"].int() - state.absmax.int()).abs()
    assert (apart > 1).sum() <= 0.01 * apart.numel()
    theirs = dequantize_4bit(codes, state).numpy()
    mine = decoded(encoding, data, values.shape)
    assert np.square(mine - values).sum() <= 1.001 * np.square(theirs - values).sum()


@given(st.lists(st.floats(0, 100, width=32), min_size=1, max_size=600))
def test_nested_scales_take_the_nearest_level(scales):
    absmax = np.array(scales, np.float32)
    nested = nest(absmax)
    outer = np.repeat(nested.scales, 256)[: len(absmax)]
    wanted = np.where(outer > 0, (absmax - nested.offset) / np.where(outer > 0, outer, 1), 0).astype(np.float32)
    best = np.abs(dynamic_levels()[:, None] - wanted).min(axis=0)
    np.testing.assert_array_equal(np.abs(dynamic_levels()[nested.codes] - wanted), best)


def test_zeros_stay_zeros():
    values = np.zeros((3, 100), np.float32)
    for nested in (False, True):
        encoding = Nf4Encoding(nested)
        assert not decoded(encoding, encoded(encoding, ArrayReader("w", values)), values.shape).any()


def test_the_state_has_one_size_whatever_the_offset():
    encoding = Nf4Encoding(nested=True)
    odd = np.float32(-1.2345678e-35)
    assert len(encoding.state((3, 5), odd)) == len(encoding.state((3, 5), None))
    assert json.loads(encoding.state((3, 5), odd))["nested_offset"] == float(odd)
