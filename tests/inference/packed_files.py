"""Small GGUF and NF4 files of given weights, in the layouts that people have, and the values that they then hold."""

import json
import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from tests.checkpoints.tables import GGML_TYPES, gguf_text

OURS = {"F32": "fp32", "F16": "fp16"}
SMALLEST_GGUF_ROW = 256
NF4_BLOCK, NESTED_BLOCK = 64, 256
NF4_TABLE = torch.linspace(-1, 1, 16) ** 3
"""Not bitsandbytes' values, on purpose: the file's own table counts."""
NESTED_TABLE = torch.linspace(-1, 1, 256)


def write_gguf(path: Path, tensors: Mapping[str, Tensor], architecture: str, kind: str = "Q8_0") -> dict[str, Tensor]:
    """Matrices in blocks of a kind that gguf can write, narrow ones as rows of 256; vectors in float32."""
    metadata = {"general.architecture": struct.pack("<I", 8) + gguf_text(architecture)}
    table, data, values = b"", b"", {}
    for name, tensor in tensors.items():
        stored, chosen, shape = _gguf_stored(tensor, kind)
        if shape != tuple(tensor.shape):
            original = struct.pack(f"<IIQ{tensor.dim()}i", 9, 5, tensor.dim(), *tensor.shape)
            metadata[f"comfy.gguf.orig_shape.{name}"] = original
        number = GGML_TYPES[OURS.get(chosen, f"gguf:{chosen}")][0]
        table += gguf_text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *reversed(shape), number, len(data))
        data += stored.tobytes() + bytes(-stored.nbytes % 32)
        decoded = gguf.quants.dequantize(stored, gguf.GGMLQuantizationType[chosen]).astype(np.float32)
        values[name] = torch.from_numpy(decoded).reshape(tensor.shape)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(gguf_text(key) + value for key, value in metadata.items()) + table
    path.write_bytes(head + bytes(-len(head) % 32) + data)
    return values


def _gguf_stored(tensor: Tensor, kind: str) -> tuple[Any, str, tuple[int, ...]]:
    shape = tuple(tensor.shape)
    values, chosen = tensor.float().numpy(), kind
    if len(shape) == 1:
        chosen = "F32"
    elif shape[-1] % SMALLEST_GGUF_ROW:
        shape = (prod(shape) // SMALLEST_GGUF_ROW, SMALLEST_GGUF_ROW) if prod(shape) % 256 == 0 else shape
        chosen = kind if shape != tuple(tensor.shape) else "F16"
    return gguf.quants.quantize(values.reshape(shape), gguf.GGMLQuantizationType[chosen]), chosen, shape


def nf4_parts(tensor: Tensor, nested: bool) -> tuple[dict[str, Tensor], Tensor]:
    """A matrix and what accompanies it by suffix ("" for itself), and the values that it then holds."""
    flat = tensor.float().flatten()
    blocks = torch.nn.functional.pad(flat, (0, -len(flat) % NF4_BLOCK)).view(-1, NF4_BLOCK)
    absmax = blocks.abs().amax(1)
    state: dict[str, Any] = {"quant_type": "nf4", "blocksize": NF4_BLOCK, "dtype": "float32"}
    state["shape"] = list(tensor.shape)
    parts = {"quant_map": NF4_TABLE, "absmax": absmax}
    if nested:
        offset = float(absmax.mean())
        rows = torch.nn.functional.pad(absmax - offset, (0, -len(absmax) % NESTED_BLOCK)).view(-1, NESTED_BLOCK)
        outer = rows.abs().amax(1)
        codes = ((rows / outer[:, None]) - NESTED_TABLE[:, None, None]).abs().argmin(0)
        absmax = (NESTED_TABLE[codes] * outer[:, None]).flatten()[: len(absmax)] + offset
        parts |= {"absmax": codes.flatten()[: len(absmax)].to(torch.uint8), "nested_absmax": outer}
        parts |= {"nested_quant_map": NESTED_TABLE}
        state |= {"nested_blocksize": NESTED_BLOCK, "nested_offset": offset, "nested_dtype": "float32"}
    codes = ((blocks / absmax[:, None])[..., None] - NF4_TABLE).abs().argmin(-1)
    values = (NF4_TABLE[codes] * absmax[:, None]).flatten()[: len(flat)].view(tensor.shape)
    pairs = codes.flatten()[: len(flat) + len(flat) % 2].view(-1, 2)
    parts[""] = (pairs[:, 0] * 16 + pairs[:, 1]).to(torch.uint8)[:, None]
    parts["quant_state.bitsandbytes__nf4"] = torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8)
    return parts, values


def write_nf4(path: Path, tensors: Mapping[str, Tensor], nested: bool) -> dict[str, Tensor]:
    """Every matrix in four bits, everything else in float16."""
    stored, values = {}, {}
    for name, tensor in tensors.items():
        if tensor.dim() == 2:
            parts, values[name] = nf4_parts(tensor, nested)
            stored |= {f"{name}.{suffix}".rstrip("."): part.contiguous().clone() for suffix, part in parts.items()}
        else:
            stored[name] = tensor.half()
            values[name] = stored[name].float()
    save_file(stored, path)
    return values
