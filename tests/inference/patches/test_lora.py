"""A LoRA in any spelling changes what the merged weights would change, and leaves nothing behind."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.checkpoints.families.flux import FluxSizes
from engine.errors import ModelFileInvalid
from engine.inference.models.flux import Flux
from engine.inference.patches import lora, structure
from engine.inference.weights.assembly import Terms, assemble
from engine.inference.weights.stored import plain
from schemas.sockets import Lora, ModelRef
from tests.inference.random_weights import random_tensors
from tests.inference.stand_in import StandInContext, file_ref

TINY = FluxSizes(
    hidden=64, head_dim=32, heads=2, double_blocks=1, single_blocks=2, in_channels=16, out_channels=16, text_width=24,
    pooled_width=12, mlp_width=96, guided=True,
)  # fmt: skip
WEIGHTS = random_tensors(Flux(TINY))
QKV, LINEAR1, LAST = "double_blocks.0.img_attn.qkv", "single_blocks.1.linear1", "final_layer.adaLN_modulation.1"


def network(weights: Mapping[str, Tensor] = WEIGHTS, dtype: torch.dtype = torch.float32) -> Flux:
    """Flux, its matrices stored in some type."""
    stored = {name: value.to(dtype) if value.ndim == 2 else value for name, value in weights.items()}
    flux = Flux(TINY)
    assemble(flux, plain(stored), "random", Terms(torch.float32))
    return flux


def answer(flux: Flux) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    shapes = ((1, 4, 4, 6), (1, 7, TINY.text_width), (1, TINY.pooled_width))
    x, tokens, pooled = (torch.randn(shape, generator=generator) for shape in shapes)
    with torch.no_grad():
        return flux(x, torch.tensor([0.6]), tokens, pooled, torch.tensor([3.5]))


def patched(flux: Flux, *patches: Lora) -> Tensor:
    with lora.laid({"flux": flux}, patches, torch.float32, torch.device("cpu")):
        return answer(flux)


def pair(rows: int, columns: int, rank: int = 4, seed: int = 0) -> tuple[Tensor, Tensor]:
    """down and up."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rank, columns, generator=generator) / columns**0.5, torch.randn(rows, rank, generator=generator)


def saved(path: Path, tensors: Mapping[str, Tensor], strength: float = 1.0) -> Lora:
    save_file({name: tensor.clone().contiguous() for name, tensor in tensors.items()}, path)
    return Lora(file_ref(path), strength)


def merged(**changes: Tensor) -> Flux:
    """The network with these changes added to its weights; "__" stands for "."."""
    weights = dict(WEIGHTS)
    for name, change in changes.items():
        weights[name.replace("__", ".")] = weights[name.replace("__", ".")] + change
    return network(weights)


DOWN, UP = pair(192, 64)
KOHYA, PLAIN_BFL = f"lora_unet_{QKV.replace('.', '_')}", f"diffusion_model.{QKV}"
SPELLINGS = [
    {f"{KOHYA}.lora_down.weight": DOWN, f"{KOHYA}.lora_up.weight": UP, f"{KOHYA}.alpha": torch.tensor(4.0)},
    {f"{PLAIN_BFL}.lora_A.weight": DOWN, f"{PLAIN_BFL}.lora_B.weight": UP},
    {f"{QKV}.lora_A.weight": DOWN, f"{QKV}.lora_B.weight": UP},
    {f"{PLAIN_BFL}.lora_A.default.weight": DOWN, f"{PLAIN_BFL}.lora_B.default.weight": UP},
    {f"{PLAIN_BFL}_lora.down.weight": DOWN, f"{PLAIN_BFL}_lora.up.weight": UP},
    {f"{PLAIN_BFL}.lora.down.weight": DOWN, f"{PLAIN_BFL}.lora.up.weight": UP},
    {f"{PLAIN_BFL}.lora_linear_layer.down.weight": DOWN, f"{PLAIN_BFL}.lora_linear_layer.up.weight": UP},
    {f"{PLAIN_BFL}.lora_A": DOWN, f"{PLAIN_BFL}.lora_B": UP},
    {f"{PLAIN_BFL}.diff": UP @ DOWN},
    {f"base_model.model.{QKV}.lora_A.weight": DOWN, f"base_model.model.{QKV}.lora_B.weight": UP},
    *(
        {
            f"{prefix}{part}{down}": tensor
            for number, part in enumerate("qkv")
            for down, tensor in (
                (".lora_A.weight", DOWN),
                (".lora_B.weight", UP[64 * number : 64 * number + 64]),
            )
        }
        for prefix in (
            "transformer.transformer_blocks.0.attn.to_",
            "transformer_blocks.0.attn.to_",
            "base_model.model.transformer_blocks.0.attn.to_",
            "lora_transformer_transformer_blocks_0_attn_to_",
            "lycoris_transformer_blocks_0_attn_to_",
        )
    ),
]


@pytest.mark.parametrize("tensors", SPELLINGS, ids=lambda tensors: next(iter(tensors)))
def test_every_spelling_equals_merged_weights(tensors: dict[str, Tensor], tmp_path: Path) -> None:
    ours = patched(network(), saved(tmp_path / "a.safetensors", tensors, -0.5))
    wanted = answer(merged(double_blocks__0__img_attn__qkv__weight=-0.5 * UP @ DOWN))
    torch.testing.assert_close(ours, wanted, rtol=0, atol=1e-5)
    assert not torch.allclose(ours, answer(network()), atol=1e-3)


def test_alpha_is_divided_by_the_rank(tmp_path: Path) -> None:
    tensors = {**SPELLINGS[0], f"{KOHYA}.alpha": torch.tensor(1.0, dtype=torch.float16)}
    wanted = answer(merged(double_blocks__0__img_attn__qkv__weight=UP @ DOWN / 4))
    torch.testing.assert_close(patched(network(), saved(tmp_path / "a.safetensors", tensors)), wanted)


def test_diffusers_parts_of_linear1_and_its_swapped_modulation_find_their_rows(tmp_path: Path) -> None:
    single, change = "transformer.single_transformer_blocks.1", torch.zeros(288, 64)
    tensors = {}
    for seed, (part, rows) in enumerate((("attn.to_k", slice(64, 128)), ("proj_mlp", slice(192, 288)))):
        down, up = pair(rows.stop - rows.start, 64, seed=seed)
        tensors |= {f"{single}.{part}.lora_A.weight": down, f"{single}.{part}.lora_B.weight": up}
        change[rows] = up @ down
    down, up = pair(128, 64, seed=7)
    tensors |= {"transformer.norm_out.linear.lora_A.weight": down, "transformer.norm_out.linear.lora_B.weight": up}
    wanted = merged(
        single_blocks__1__linear1__weight=change,
        final_layer__adaLN_modulation__1__weight=torch.cat((up[64:], up[:64])) @ down,
    )
    ours = patched(network(), saved(tmp_path / "a.safetensors", tensors))
    torch.testing.assert_close(ours, answer(wanted), rtol=0, atol=1e-5)


def test_loha_and_lokr_equal_their_dense_matrices(tmp_path: Path) -> None:
    (b1, a1), (b2, a2) = pair(192, 64, 3, 1), pair(192, 64, 3, 2)
    loha = {f"{KOHYA}.hada_w1_a": a1, f"{KOHYA}.hada_w1_b": b1, f"{KOHYA}.hada_w2_a": a2, f"{KOHYA}.hada_w2_b": b2}
    loha[f"{KOHYA}.alpha"] = torch.tensor(1.5)
    ours = patched(network(), saved(tmp_path / "a.safetensors", loha))
    wanted = answer(merged(double_blocks__0__img_attn__qkv__weight=0.5 * (a1 @ b1) * (a2 @ b2)))
    torch.testing.assert_close(ours, wanted, rtol=0, atol=1e-5)
    w1, (w2_b, w2_a) = torch.randn(8, 4) / 8, pair(24, 16, 2)
    lokr = {f"{KOHYA}.lokr_w1": w1, f"{KOHYA}.lokr_w2_a": w2_a, f"{KOHYA}.lokr_w2_b": w2_b}
    lokr[f"{KOHYA}.alpha"] = torch.tensor(1.0)
    ours = patched(network(), saved(tmp_path / "b.safetensors", lokr))
    wanted = answer(merged(double_blocks__0__img_attn__qkv__weight=0.5 * torch.kron(w1, w2_a @ w2_b)))
    torch.testing.assert_close(ours, wanted, rtol=0, atol=1e-5)


def test_differences_of_biases_and_norms_are_added(tmp_path: Path) -> None:
    norm = "double_blocks.0.img_attn.norm.query_norm.scale"
    bias, scale = torch.randn(192), torch.randn(32) / 4
    flux = network()
    tensors = {f"{PLAIN_BFL}.diff_b": bias, f"diffusion_model.{norm}.diff": scale}
    ours = patched(flux, saved(tmp_path / "a.safetensors", tensors, 0.5))
    changes = {f"{QKV}.bias".replace(".", "__"): bias / 2, norm.replace(".", "__"): scale / 2}
    torch.testing.assert_close(ours, answer(merged(**changes)), rtol=0, atol=1e-5)
    assert torch.equal(answer(flux), answer(network()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float8_e4m3fn])
def test_it_is_lifted_off_without_a_trace_even_when_the_block_raises(dtype: torch.dtype, tmp_path: Path) -> None:
    flux, patch = network(dtype=dtype), saved(tmp_path / "a.safetensors", SPELLINGS[0])
    before = answer(flux)
    changed = patched(flux, patch)
    assert not torch.equal(changed, before)
    assert torch.equal(answer(flux), before)
    with pytest.raises(KeyError), lora.laid({"flux": flux}, [patch], torch.float32, torch.device("cpu")):
        raise KeyError
    assert torch.equal(answer(flux), before)
    assert torch.equal(patched(flux, patch), changed)


def test_two_add_up_in_either_order_and_the_same_one_twice(tmp_path: Path) -> None:
    flux = network()
    one = saved(tmp_path / "a.safetensors", SPELLINGS[0], 0.7)
    down, up = pair(288, 64, seed=3)
    names = {f"{LINEAR1}.lora_A.weight": down, f"{LINEAR1}.lora_B.weight": up, **SPELLINGS[2]}
    other = saved(tmp_path / "b.safetensors", names, -0.4)
    torch.testing.assert_close(patched(flux, one, other), patched(flux, other, one), rtol=0, atol=1e-5)
    changes = {"single_blocks__1__linear1__weight": -0.4 * up @ down}
    changes["double_blocks__0__img_attn__qkv__weight"] = 0.3 * UP @ DOWN
    torch.testing.assert_close(patched(flux, one, other), answer(merged(**changes)), rtol=0, atol=1e-5)
    assert not torch.allclose(patched(flux, one, one), patched(flux, one), atol=1e-3)


def test_an_inner_block_has_its_own_patches_only(tmp_path: Path) -> None:
    flux, patch = network(), saved(tmp_path / "a.safetensors", SPELLINGS[0])
    with lora.laid({"flux": flux}, [patch], torch.float32, torch.device("cpu")):
        outer = answer(flux)
        assert torch.equal(patched(flux), answer(network()))
        assert torch.equal(answer(flux), outer)


def test_a_file_that_is_damaged_changes_nothing(tmp_path: Path) -> None:
    flux, good = network(), saved(tmp_path / "a.safetensors", SPELLINGS[0])
    bad = saved(tmp_path / "b.safetensors", {**SPELLINGS[0], f"{KOHYA}.alpha": torch.tensor(float("nan"))})
    with pytest.raises(ModelFileInvalid, match="no finite number"):
        patched(flux, good, bad)
    assert torch.equal(answer(flux), answer(network()))


@pytest.mark.parametrize("alpha", [torch.tensor(float("inf")), torch.tensor([1.0, 2.0])])
def test_an_alpha_that_is_no_finite_number_is_refused(alpha: Tensor, tmp_path: Path) -> None:
    patch = saved(tmp_path / "a.safetensors", {**SPELLINGS[0], f"{KOHYA}.alpha": alpha})
    with pytest.raises(ModelFileInvalid, match="alpha"):
        patched(network(), patch)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float8_e5m2])
def test_values_that_are_no_finite_numbers_are_refused_by_the_name_of_their_tensor(
    value: float, dtype: torch.dtype, tmp_path: Path
) -> None:
    flux, up = network(), UP.clone()
    up[5, 2] = value
    tensors = {f"{PLAIN_BFL}.lora_A.weight": DOWN, f"{PLAIN_BFL}.lora_B.weight": up.to(dtype)}
    patch = saved(tmp_path / "bad.safetensors", tensors)
    with pytest.raises(ModelFileInvalid, match=r"bad.safetensors: has values in '.*\.qkv\.lora_B\.weight'"):
        patched(flux, patch)
    assert torch.equal(answer(flux), answer(network()))


def test_the_structure_offers_all_but_tables() -> None:
    assert set(structure.shapes(Flux(TINY))) == set(WEIGHTS)


def test_what_fits_is_told(tmp_path: Path) -> None:
    flux_file = tmp_path / "flux.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in WEIGHTS.items()}, flux_file)
    text = {"lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_up.weight": UP}
    patch = saved(tmp_path / "a.safetensors", {**SPELLINGS[0], **text, "odd.lora_up.weight": UP, "note": DOWN})
    context = StandInContext()
    model = lora.on_model(context, patch.file, ModelRef(file_ref(flux_file)), 0.5)
    assert model.patches == (Lora(patch.file, 0.5),)
    [report] = context.loras
    assert (report.model, report.text, report.unused) == (1, 0, 1)
    assert report.unmatched == ["note", "odd.lora_up.weight"]
    assert "1 modules fit the model" in str(report)
