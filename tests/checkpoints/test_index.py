"""Headers of real files are read, whatever the format; broken ones are refused in words."""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.checkpoints.gguf_header import BLOCKS, ArrayPlace
from engine.checkpoints.index import read
from engine.checkpoints.storage import TensorInfo
from engine.errors import ModelFileInvalid
from tests.checkpoints.tables import gguf_bytes, gguf_text, safetensors_bytes

TABLE = {"a.weight": ("bf16", (2, 3)), "b": ("fp32", ()), "empty": ("fp8_e4m3fn", (0,))}
GGUF_TABLE = {"a.weight": ("gguf:Q4_K", (2, 512)), "b.weight": ("fp32", (4,))}


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[bytes], Path]:
    def save(content: bytes) -> Path:
        path = tmp_path / "model.safetensors"
        path.write_bytes(content)
        return path

    return save


def raw(header: Any, data: bytes = b"") -> bytes:
    """A safetensors file with this header, a text or something for JSON."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype: str = "F32", shape: Any = (1,), offsets: Any = (0, 4)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


class TestSafetensors:
    def test_tensors_have_types_shapes_and_places_in_the_file(self, saved: Callable[[bytes], Path]) -> None:
        content = safetensors_bytes(TABLE, {"format": "pt"})
        index = read(saved(content))
        data = len(content) - 16
        assert index.format == "safetensors"
        assert index.bytes == len(content)
        assert index.metadata == {"format": "pt"}
        assert index.tensors == {
            "a.weight": TensorInfo("bf16", (2, 3), data, data + 12),
            "b": TensorInfo("fp32", (), data + 12, data + 16),
            "empty": TensorInfo("fp8_e4m3fn", (0,), data + 16, data + 16),
        }
        assert (index.tensors["a.weight"].bytes, index.tensors["a.weight"].elements) == (12, 6)

    def test_it_agrees_with_the_reference_library(self, tmp_path: Path) -> None:
        numpy = pytest.importorskip("numpy")
        from safetensors.numpy import load_file, save_file

        path = tmp_path / "x.safetensors"
        tensors = {"x": numpy.arange(6, dtype=numpy.int16).reshape(2, 3), "y": numpy.ones(3, dtype=numpy.float16)}
        save_file(tensors, path, {"note": "from the library"})
        index, content = read(path), path.read_bytes()
        for name, tensor in load_file(path).items():
            info = index.tensors[name]
            assert info.shape == tuple(tensor.shape)
            assert content[info.start : info.end] == tensor.tobytes()
        assert index.metadata == {"note": "from the library"}

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "is empty"),
            (b"abc", "no model file"),
            (b"<!DOCTYPE html><html>", "web page"),
            (b"\n  <html>", "web page"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git-lfs pointer"),
            (b'{"error": "not found"}', "JSON text"),
            (b"\0" * 100, "no model file"),
            ((200_000_000).to_bytes(8, "little") + b"{" + b" " * 100, "header would be 200,000,000 bytes"),
            ((5000).to_bytes(8, "little") + b"{" + b" " * 100, "cut off: the header should end at byte 5,008"),
            (raw(b"{"), "damaged header"),
            (raw(b'{"a": "\xff"}'), "damaged header"),
            (raw(b'{"a": ' + b"[" * 100_000), "damaged header"),
            (raw(b'{"a": 1' + b"0" * 10_000 + b"}"), "damaged header"),
            (raw(b"{} x"), "damaged header"),
            (raw({"__metadata__": {"a": 1}}), "__metadata__"),
            (raw({"__metadata__": []}), "__metadata__"),
            (raw({"a": 3}), "not described by a JSON object"),
            (raw({"a": {}}), "unknown type None"),
            (raw({"a": entry("F33")}, bytes(4)), "unknown type 'F33'"),
            (raw({"a": entry(shape=[-1])}, bytes(4)), "no valid shape"),
            (raw({"a": entry(shape=[1.0])}, bytes(4)), "no valid shape"),
            (raw({"a": entry(shape=[True])}, bytes(4)), "no valid shape"),
            (raw({"a": entry(shape=[1] * 40)}, bytes(4)), "no valid shape"),
            (raw({"a": entry(shape=[1 << 62, 1 << 62])}, bytes(4)), "impossible shape"),
            (raw({"a": entry(shape=[2])}, bytes(4)), "takes 8 bytes, not 4"),
            (raw({"a": entry(offsets=[4, 0])}, bytes(4)), "no valid data_offsets"),
            (raw({"a": entry(offsets=[0])}, bytes(4)), "no valid data_offsets"),
            (raw({"a": entry(offsets=[-4, 0])}, bytes(4)), "no valid data_offsets"),
            (raw({"a": entry(offsets=["0", "4"])}, bytes(4)), "no valid data_offsets"),
            (raw({"a": entry(), "b": entry()}, bytes(8)), "'b' overlaps 'a'"),
            (raw({"a": entry(offsets=[4, 8])}, bytes(8)), "'a' leaves a hole behind 'the header'"),
            (raw({"a": entry()}, bytes(3)), "is cut off: 1 of"),
            (raw({"a": entry()}, bytes(5)), "1 bytes behind its last tensor"),
            (raw(b'{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', bytes(4)), "'dtype' twice"),
            (raw(b'{"a":{},"a":{}}'), "'a' twice"),
        ],
    )
    def test_broken_files_are_refused_with_the_reason(
        self, saved: Callable[[bytes], Path], content: bytes, said: str
    ) -> None:
        with pytest.raises(ModelFileInvalid) as caught:
            read(saved(content))
        assert said in caught.value.said
        assert caught.value.path.endswith("model.safetensors")
        assert len(str(caught.value)) < 1000

    def test_four_bit_weights_are_known_by_the_shape_they_stand_for(self, saved: Callable[[bytes], Path]) -> None:
        state = json.dumps({"quant_type": "nf4", "blocksize": 64, "shape": [4, 64]}).encode()
        header = {
            "w": entry("U8", (128, 1), (0, 128)),
            "w.quant_state.bitsandbytes__nf4": entry("U8", (len(state),), (128, 128 + len(state))),
        }
        index = read(saved(raw(header, bytes(128) + state)))
        assert index.tensors["w"].shape == (128, 1)
        assert index.shape_of("w") == (4, 64)

    @pytest.mark.parametrize(
        "state",
        [
            b"{}",
            b"[1]",
            b"\xff",
            b"[" * 9000,
            b'{"quant_type": "fp4", "blocksize": 64, "shape": [4]}',
            b'{"quant_type": "nf4", "blocksize": 64, "shape": 3}',
            b'{"quant_type": "nf4", "blocksize": 64, "shape": [-1]}',
            b'{"quant_type": "nf4", "blocksize": 64, "shape": [1099511627775, 1099511627775]}',
            b'{"quant_type": "nf4", "blocksize": 65, "shape": [4]}',
            b'{"quant_type": "nf4", "blocksize": true, "shape": [4]}',
            b'{"quant_type": "nf4", "blocksize": 64, "shape": [4], "nested_blocksize": 256}',
        ],
    )
    def test_a_broken_quantisation_state_is_refused(self, saved: Callable[[bytes], Path], state: bytes) -> None:
        header = {"w.quant_state.bitsandbytes__nf4": entry("U8", (len(state),), (0, len(state)))}
        with pytest.raises(ModelFileInvalid, match="no bitsandbytes quantisation state"):
            read(saved(raw(header, state)))


class TestGguf:
    def test_tensors_have_types_shapes_and_places_in_the_file(self, saved: Callable[[bytes], Path]) -> None:
        content = gguf_bytes(GGUF_TABLE)
        index = read(saved(content))
        data = len(content) - 608
        assert index.format == "gguf"
        assert index.tensors == {
            "a.weight": TensorInfo("gguf:Q4_K", (2, 512), data, data + 576),
            "b.weight": TensorInfo("fp32", (4,), data + 576, data + 592),
        }

    def test_it_agrees_with_the_reference_library(self, tmp_path: Path) -> None:
        gguf = pytest.importorskip("gguf")
        import numpy

        path = str(tmp_path / "x.gguf")
        writer = gguf.GGUFWriter(path, "flux")
        writer.add_array("list", [1, 2, 3])
        writer.add_array("words", [f"word {number}" for number in range(100)])
        writer.add_float32("half", 0.5)
        writer.add_tensor("a", numpy.arange(64, dtype=numpy.float32).reshape(2, 32))
        writer.add_tensor(
            "b", numpy.arange(68, dtype=numpy.uint8).reshape(2, 34), raw_dtype=gguf.GGMLQuantizationType.Q8_0
        )
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        index, content = read(path), Path(path).read_bytes()
        for tensor in gguf.GGUFReader(path).tensors:
            info = index.tensors[tensor.name]
            assert info.shape == tuple(int(length) for length in reversed(tensor.shape))
            assert content[info.start : info.end] == tensor.data.tobytes()
        assert index.tensors["b"].dtype == "gguf:Q8_0"
        assert index.metadata["general.architecture"] == "flux"
        assert (index.metadata["list"], index.metadata["half"]) == ((1, 2, 3), 0.5)
        words = index.metadata["words"]
        assert isinstance(words, ArrayPlace)
        assert words.length == 100
        assert content[words.start : words.end].endswith(b"word 99")

    def test_block_sizes_are_those_of_the_reference_library(self) -> None:
        gguf = pytest.importorskip("gguf")
        for kind, sizes in gguf.GGML_QUANT_SIZES.items():
            if kind.value in BLOCKS:
                assert BLOCKS[kind.value][1:] == sizes

    def test_the_shape_that_was_noted_before_reshaping_counts(self, saved: Callable[[bytes], Path]) -> None:
        note = {"comfy.gguf.orig_shape.w": struct.pack("<IIQ4i", 9, 5, 4, 32, 4, 2, 2)}
        index = read(saved(gguf_bytes({"w": ("gguf:Q8_0", (2, 256))}, note)))
        assert index.shape_of("w") == (32, 4, 2, 2)
        assert index.tensors["w"].shape == (2, 256)
        note = {"comfy.gguf.orig_shape.w": struct.pack("<IIQ2i", 9, 5, 2, 32, 4)}
        with pytest.raises(ModelFileInvalid, match="does not fit its tensor"):
            read(saved(gguf_bytes({"w": ("gguf:Q8_0", (2, 256))}, note) + b" "))

    def test_alignment_is_taken_from_the_metadata(self, saved: Callable[[bytes], Path]) -> None:
        content = gguf_bytes(GGUF_TABLE, {"general.alignment": struct.pack("<II", 4, 128)}, step=128)
        index = read(saved(content))
        assert index.tensors["a.weight"].start % 128 == 0
        with pytest.raises(ModelFileInvalid, match="no power of two"):
            read(saved(gguf_bytes(GGUF_TABLE, {"general.alignment": struct.pack("<II", 4, 96)})))

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"GGUF", "cut off within"),
            (b"GGUF" + struct.pack("<IQQ", 1, 0, 0) + bytes(9), "version 1"),
            (b"GGUF" + struct.pack(">IQQ", 3, 0, 0) + bytes(9), "big-endian"),
            (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0), "promises 1,152,921,504,606,846,976 tensors"),
            (b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 62), "promises 0 tensors and"),
            (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1 << 63) + bytes(9), "key of"),
            (gguf_bytes({}, {"a": struct.pack("<I", 99), "b": bytes(9)}), "unknown type 99"),
            (gguf_bytes({}, {"a": struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 6 + bytes(9)}), "unknown type 9"),
            (gguf_bytes({}, {"a": struct.pack("<IIQ", 9, 8, 1 << 50)}), "array of"),
            (gguf_bytes({}, {"a": struct.pack("<IIQ", 9, 4, 1 << 50)}), "a metadata array at byte"),
            (gguf_bytes({}, {"a": struct.pack("<IIQ", 9, 8, 70) + gguf_text("x" * 900)}), "passes the end"),
            (gguf_bytes({}, {"a": struct.pack("<IQ", 8, 3) + b"\xff\xff\xff"}), "no UTF-8"),
            (gguf_bytes({"w": ("gguf:Q8_0", (1, 33))}), "cannot have"),
            (gguf_bytes({"w": ("fp32", (7, 3))}).replace(struct.pack("<QQ", 3, 7), b"\0\0\0\x10" * 4), "cannot have"),
            (gguf_bytes(GGUF_TABLE)[:-40], "is cut off: 24 of"),
            (gguf_bytes(GGUF_TABLE).replace(struct.pack("<Q", 576), struct.pack("<Q", 32)), "overlaps"),
            (gguf_bytes(GGUF_TABLE).replace(struct.pack("<Q", 576), struct.pack("<Q", 577)), "not aligned"),
            (gguf_bytes(GGUF_TABLE).replace(b"b.weight", b"a.weight"), "'a.weight' twice"),
            (
                gguf_bytes({}, {"a": bytes(5), "b": bytes(5)}).replace(gguf_text("b"), gguf_text("a")),
                "metadata 'a' twice",
            ),
        ],
    )
    def test_broken_files_are_refused_with_the_reason(
        self, saved: Callable[[bytes], Path], content: bytes, said: str
    ) -> None:
        with pytest.raises(ModelFileInvalid) as caught:
            read(saved(content))
        assert said in caught.value.said
        assert len(str(caught.value)) < 1000


def test_an_index_is_remembered_until_the_file_changes(saved: Callable[[bytes], Path]) -> None:
    path = saved(safetensors_bytes(TABLE))
    first = read(path)
    assert read(str(path)) is first
    path.write_bytes(safetensors_bytes({"other": ("fp32", (1,))}))
    os.utime(path, ns=(1, 1))
    assert list(read(path).tensors) == ["other"]


def test_a_missing_file_is_missing_and_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "gone.safetensors")
    with pytest.raises(ModelFileInvalid, match="cannot be read"):
        read(tmp_path)


def test_reading_headers_imports_nothing_heavy() -> None:
    heavy = {"torch", "numpy", "gguf", "safetensors", "transformers", "diffusers", "yaml"}
    code = "import sys, engine.checkpoints.describe, engine.folders, engine.memory; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert heavy.isdisjoint(modules)
