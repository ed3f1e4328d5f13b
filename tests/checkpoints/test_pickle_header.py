"""PyTorch files are read without running anything in them."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.checkpoints import pickle_machine
from engine.checkpoints.detect import parts
from engine.checkpoints.index import read
from engine.errors import ModelFileInvalid
from tests.checkpoints.pickles import dictionary, legacy, program, tensor, text, zipped
from tests.models.fixture import tiny_models

TABLE = {"a.weight": ("fp16", (2, 3)), "b": ("int64", ()), "c": ("bf16", (4,)), "none": ("fp32", (0, 3))}


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[bytes], Path]:
    def save(content: bytes) -> Path:
        path = tmp_path / "model.ckpt"
        path.write_bytes(content)
        return path

    return save


@pytest.mark.parametrize("content", [zipped(TABLE), zipped(TABLE, "state_dict"), legacy(TABLE)])
def test_tensors_of_both_forms_have_types_shapes_and_places(saved: Callable[[bytes], Path], content: bytes) -> None:
    index = read(saved(content))
    assert index.format == "pickle"
    assert {name: (info.dtype, info.shape) for name, info in index.tensors.items()} == TABLE
    for number, info in enumerate(index.tensors.values()):
        assert content[info.start : info.end] == bytes([number]) * info.bytes


def test_plain_values_beside_the_tensors_are_metadata(saved: Callable[[bytes], Path]) -> None:
    assert read(saved(zipped(TABLE, "state_dict"))).metadata == {"epoch": 3}


def test_a_real_file_holds_the_bytes_of_its_safetensors_twin() -> None:
    names = ("checkpoints/v1-5-pruned-emaonly.ckpt", "checkpoints/v1-5-pruned-emaonly-fp16.safetensors")
    paths = [tiny_models(*names) / name for name in names]
    (old, new), (ours, theirs) = [read(path) for path in paths], [path.read_bytes() for path in paths]
    assert old.tensors.keys() == new.tensors.keys()
    assert {part.kind for part in parts(old)} == {"sd15", "clip_l", "kl_vae"}
    for name, info in old.tensors.items():
        twin = new.tensors[name]
        assert (info.dtype, info.shape) == (twin.dtype, twin.shape)
        assert ours[info.start : info.end] == theirs[twin.start : twin.end]


class Exploding:
    """Runs something when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_in_the_file_is_run(saved: Callable[[bytes], Path], tmp_path: Path, protocol: int) -> None:
    bomb = pickle.dumps({"x": Exploding(tmp_path / "exploded"), "y": [{1}, (2, b"3", 4.5)]}, protocol=protocol)
    for content in (zipped({}, content=bomb), pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2) + bomb * 4, bomb):
        with pytest.raises(ModelFileInvalid):
            read(saved(content))
    assert not (tmp_path / "exploded").exists()


def test_unknown_objects_beside_the_tensors_do_not_matter(saved: Callable[[bytes], Path]) -> None:
    strange = b"cpytorch_lightning\nCallback\n)R}" + text("k") + text("v") + b"sb"
    body = dictionary({"state_dict": dictionary({"w": tensor("0", "fp16", (2, 3))}), "callbacks": strange})
    index = read(saved(zipped({"w": ("fp16", (2, 3))}, content=b"\x80\x02" + body + b".")))
    assert list(index.tensors) == ["w"]


def doubled(depth: int) -> bytes:
    """A tuple that holds itself twice, `depth` times over, as the key of a dictionary."""
    return (
        b"\x80\x02})q\x00" + b"".join(b"h%ch%c\x86q%c0h%c" % (at, at, at + 1, at + 1) for at in range(depth)) + b"Ns."
    )


HALF = "\ud800".encode("utf-8", "surrogatepass")
"""Three bytes that Python's pickles decode to half of a surrogate pair."""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04" + bytes(60), "damaged zip"),
        (zipped(TABLE)[:-30], "damaged zip"),
        (zipped({}, content=b"."), "IndexError"),
        (zipped({}, content=b"\x80\x02Q."), "stack runs empty"),
        (zipped({}, content=b"\x80\x02t."), "lacks a mark"),
        (zipped({}, content=b"\x80\x02h\x05."), "KeyError"),
        (zipped({}, content=b"\xff"), "ValueError"),
        (zipped({}, content=b"\x80\x02}."), "no dictionary of tensors"),
        (zipped({}, content=doubled(60)), "no dictionary of tensors"),
        (zipped({}, content=b"\x80\x02X\xff\xff\xff\x7fabc."), "ValueError"),
        (zipped({}, content=program(TABLE)), "the numbers of 'a.weight' are missing"),
        (
            zipped({"w": ("fp16", (2,))}, content=b"\x80\x02" + dictionary({"w": tensor("0", "fp16", (4,))}) + b"."),
            "passes the end of its storage",
        ),
        (
            zipped({}, content=program({"w": ("fp16", (1,))}).replace(b"HalfStorage", b"OddStorage")),
            "the numbers of 'w' are missing",
        ),
        (
            zipped(
                {"w": ("fp16", (1,))}, content=program({"w": ("fp16", (1,))}).replace(b"HalfStorage", b"OddStorage")
            ),
            "unknown type 'torch.OddStorage'",
        ),
        (zipped({"w": ("fp16", (1,))}, content=program({"wxy": ("fp16", (1,))}).replace(b"wxy", HALF)), "no text"),
        (pickle.dumps({"a": 1}), "not one that PyTorch saved"),
        (legacy(TABLE)[:-17], "numbers of 'c' are missing"),
    ],
)
def test_broken_files_are_refused_with_the_reason(saved: Callable[[bytes], Path], content: bytes, said: str) -> None:
    with pytest.raises(ModelFileInvalid) as caught:
        read(saved(content))
    assert said in caught.value.said
    assert len(str(caught.value)) < 1000


def test_transposed_tensors_are_refused(saved: Callable[[bytes], Path]) -> None:
    rows, columns = b"(J\x03\0\0\0J\x01\0\0\0t", b"(J\x01\0\0\0J\x03\0\0\0t"
    content = program({"w": ("fp16", (2, 3))}).replace(rows, columns)
    with pytest.raises(ModelFileInvalid, match="stored transposed"):
        read(saved(zipped({"w": ("fp16", (2, 3))}, content=content)))


def test_endless_programs_are_cut_short(saved: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_machine, "MOST_STEPS", 1000)
    with pytest.raises(ModelFileInvalid, match="more than 1,000 steps"):
        read(saved(zipped({}, content=b"\x80\x02" + b"N0" * 1000 + b".")))
