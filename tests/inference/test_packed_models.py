"""Whole models in GGUF and NF4 files: the same answers as from the values they hold, and no memory for those values."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.checkpoints import index, runnable
from engine.checkpoints.families.clip import ClipSizes
from engine.checkpoints.families.flux import FluxSizes
from engine.checkpoints.families.t5 import T5Sizes
from engine.checkpoints.keymaps import t5 as keymap
from engine.errors import ModelFileInvalid
from engine.inference import loading, network
from engine.inference.encoders import encode
from engine.inference.encoders.parts import build_clip
from engine.inference.encoders.t5 import T5
from engine.inference.layers.embedding import Embedding
from engine.inference.layers.linear import linears
from engine.inference.models.flux import Flux
from engine.inference.residency import Networks, Piece, Setting
from engine.inference.weights import gguf_blocks
from engine.inference.weights.four_bit import FourBit
from engine.inference.weights.gguf_blocks import GgufBlocks
from engine.inference.weights.packed import Plain
from schemas.sockets import ClipRef, ModelRef
from tests.inference.packed_files import write_gguf, write_nf4
from tests.inference.random_weights import random_tensors
from tests.inference.stand_in import StandInContext, file_ref

SIZES = FluxSizes(64, 32, 2, 1, 1, 64, 64, 24, 12, 256, guided=True)
CLIP = ClipSizes(64, 2, 256, 49408, 77, 1, "quick_gelu", projection=False)
ENCODER = T5Sizes(64, 1, 128, 1, 64, 32100, 32)

CPU = torch.device("cpu")

WRITERS: dict[str, Callable[[Path, dict[str, Tensor]], dict[str, Tensor]]] = {
    "q8_0.gguf": lambda path, tensors: write_gguf(path, tensors, "flux"),
    "q4_0.gguf": lambda path, tensors: write_gguf(path, tensors, "flux", "Q4_0"),
    "nf4-v1.safetensors": lambda path, tensors: write_nf4(path, tensors, nested=True),
    "nf4-v2.safetensors": lambda path, tensors: write_nf4(path, tensors, nested=False),
}


@pytest.fixture(scope="module", params=WRITERS)
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A packed Flux, and a file of the values that it holds."""
    folder = tmp_path_factory.mktemp("packed")
    values = WRITERS[request.param](folder / request.param, random_tensors(Flux(SIZES)))
    save_file(values, folder / "plain.safetensors")
    return folder / request.param, folder / "plain.safetensors"


def answer(path: Path, **recipe: str) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    x, tokens = torch.randn(1, 16, 4, 4, generator=generator), torch.randn(1, 5, 24, generator=generator)
    with network.borrow(StandInContext(), ModelRef(file_ref(path), **recipe)) as net:
        return net.velocity(x, torch.tensor([0.7]), tokens, {"pooled_output": torch.ones(1, 12)})


def loaded(path: Path, setting: Setting) -> Networks:
    part = runnable.require(index.read(path), "flux")
    networks = Networks("a model", {"flux": Piece(file_ref(path), part, Flux)}, setting)
    networks.load()
    return networks


def test_a_packed_model_answers_as_its_values_do(files: tuple[Path, Path]) -> None:
    packed, plain = (answer(path) for path in files)
    assert not torch.equal(plain, torch.zeros_like(plain))
    torch.testing.assert_close(packed, plain, rtol=1e-5, atol=1e-5)


def test_a_packed_model_takes_memory_for_its_small_tensors_only(files: tuple[Path, Path]) -> None:
    networks = loaded(files[0], Setting(torch.float32, CPU))
    (file,) = networks._files
    mapping = torch.frombuffer(file._map, dtype=torch.uint8)
    first, last = mapping.data_ptr(), mapping.data_ptr() + len(mapping)

    def is_mapped(tensor: Tensor) -> bool:
        return first <= tensor.data_ptr() < last

    kept = {layer.packed for layer in linears(networks["flux"]).values()}
    assert {type(packed) for packed in kept} <= {GgufBlocks, FourBit, Plain}
    for packed in kept:
        assert is_mapped(_bytes_of(packed))
    small = [layer.bias for layer in linears(networks["flux"]).values() if layer.bias is not None]
    small += list(networks["flux"].parameters())
    assert sum(tensor.nbytes for tensor in small if not is_mapped(tensor)) <= networks.size < 60_000


def _bytes_of(packed: object) -> Tensor:
    if isinstance(packed, GgufBlocks):
        return packed.blocks
    return packed.codes if isinstance(packed, FourBit) else packed.values


def test_narrow_matrices_are_packed_too(files: tuple[Path, Path]) -> None:
    """city96's converter stores them as rows of 256, whose blocks run across their own rows."""
    flux = loaded(files[0], Setting(torch.float32, CPU))["flux"]
    assert isinstance(linears(flux)["vector_in.in_layer"].packed, GgufBlocks | FourBit)


def test_blocks_are_decoded_in_the_type_asked_for(tmp_path: Path) -> None:
    """Which numbers that gives is held to ComfyUI's by the goldens flux_gguf_advanced_*."""
    write_gguf(tmp_path / "a.gguf", random_tensors(Flux(SIZES)), "flux")
    exact, narrow = answer(tmp_path / "a.gguf"), answer(tmp_path / "a.gguf", decoded_as="bfloat16")
    assert not torch.allclose(narrow, exact, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(narrow, exact, rtol=0, atol=0.05 * float(exact.abs().max()))
    for name in ("target", "float32"):
        assert torch.equal(answer(tmp_path / "a.gguf", decoded_as=name), exact)


def random_encoders() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    return random_tensors(T5(ENCODER)), random_tensors(build_clip(CLIP))


def in_llama_cpp_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    names = {f"encoder.block.0.{theirs}": f"enc.blk.0.{ours}" for ours, theirs in keymap.IN_BLOCK.items()}
    names |= {theirs: ours for ours, theirs in keymap.OUTSIDE.items()}
    return {names[name]: tensor for name, tensor in tensors.items()}


def test_text_encoders_in_gguf_encode_as_their_values_do(tmp_path: Path) -> None:
    t5, clip = random_encoders()
    held = write_gguf(tmp_path / "t5.gguf", in_llama_cpp_names(t5), "t5encoder")
    names = dict(zip(in_llama_cpp_names(t5), t5, strict=True))
    save_file({names[name]: value for name, value in held.items()}, tmp_path / "t5.safetensors")
    save_file(write_gguf(tmp_path / "clip.gguf", clip, "clip"), tmp_path / "clip.safetensors")

    def encoded(*files: str) -> tuple[Tensor, Tensor]:
        clip = ClipRef(tuple(file_ref(tmp_path / name) for name in files), "flux")
        ((tokens, noted),) = encode.encode_text(StandInContext(), clip, "a (red:1.2) cat")
        return tokens, noted["pooled_output"]

    both, mixed, plain = (
        encoded(*files)
        for files in (("t5.gguf", "clip.gguf"), ("clip.safetensors", "t5.gguf"), ("t5.safetensors", "clip.safetensors"))
    )
    for ours, wanted in ((both, plain), (mixed, plain)):
        for one, other in zip(ours, wanted, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=2e-2)  # plain float32 is rounded to float16


def test_an_embedding_table_stays_packed(tmp_path: Path) -> None:
    t5, _ = random_encoders()
    held = write_gguf(tmp_path / "t5.gguf", in_llama_cpp_names(t5), "t5encoder", "Q4_0")
    part = runnable.require(index.read(tmp_path / "t5.gguf"), "t5xxl")
    networks = Networks("a", {"t5xxl": Piece(file_ref(tmp_path / "t5.gguf"), part, T5)}, Setting(torch.float32, CPU))
    networks.load()
    table: nn.Module = networks["t5xxl"].get_submodule("shared")
    assert isinstance(table, Embedding)
    assert isinstance(table.packed, GgufBlocks)
    ids = torch.tensor([[5, 5], [0, 32099]])
    assert torch.equal(table(ids, torch.float32), held["token_embd.weight"][ids])


def test_a_missing_libgguf_is_told_in_one_line(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_blocks, "_library", lambda: None)
    context = StandInContext()
    for _ in range(2):
        with network.borrow(context, ModelRef(file_ref(files[0]))):
            pass
    assert len(context.warned) == (files[0].suffix == ".gguf")
    assert all("libgguf is not installed" in said for said in context.warned)


def test_rounding_packed_weights_is_refused_in_a_line_and_changes_nothing(files: tuple[Path, Path]) -> None:
    context = StandInContext()
    assert loading.diffusion_model(context, file_ref(files[0]), "fp8_e5m2").weight_dtype == "default"
    assert "weight_dtype fp8_e5m2 changes nothing" in context.warned[0]


def test_a_kind_of_four_bits_that_the_file_has_not_is_an_error(files: tuple[Path, Path]) -> None:
    kind = "fp4" if "nf4" in files[0].name else "nf4"
    assert loading.four_bit_model(StandInContext(), file_ref(files[0]), "default").file.path == str(files[0])
    with pytest.raises(ModelFileInvalid, match=f"not {kind}. Choose bnb_dtype default"):
        loading.four_bit_model(StandInContext(), file_ref(files[0]), kind)


def test_on_a_device_packed_weights_take_their_own_bytes_or_stay_in_the_file(files: tuple[Path, Path]) -> None:
    part = runnable.require(index.read(files[0]), "flux")
    pieces = {"flux": Piece(file_ref(files[0]), part, Flux)}
    whole = Networks("a", pieces, Setting(torch.bfloat16, torch.device("cuda:0"))).size
    streamed = Networks("a", pieces, Setting(torch.bfloat16, torch.device("cuda:0"), streamed=True)).size
    assert streamed < 30_000 < whole < files[0].stat().st_size
