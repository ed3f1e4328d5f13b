"""Borrowed networks: resident while used, answering in float32, refusing nothing that a conditioning may hold."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.checkpoints import index, runnable
from engine.errors import DoesNotFit, GraphInvalid
from engine.inference import loading, network, residency
from engine.inference.layers.linear import linears
from engine.inference.residency import Piece, Setting
from engine.inference.weights.packed import Plain
from engine.memory import Ledger
from schemas.sockets import ModelRef
from tests.inference.stand_in import StandInContext, file_ref
from tests.models.fixture import tiny_models

DEV, SCHNELL = "diffusion_models/flux1-dev.safetensors", "diffusion_models/flux1-schnell.safetensors"


@pytest.fixture(scope="module")
def models() -> Path:
    return tiny_models(DEV, SCHNELL)


@pytest.fixture
def dev(models: Path) -> ModelRef:
    return loading.diffusion_model(StandInContext(), file_ref(models / DEV))


def asked(net: network.DiffusionNetwork, batch: int = 1, **options: object) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    x, tokens = torch.randn(batch, 16, 4, 4, generator=generator), torch.randn(1, 5, 256, generator=generator)
    return net.velocity(x, torch.full((batch,), 0.7), tokens, options)


def test_facts_come_from_the_header(models: Path, dev: ModelRef) -> None:
    facts = network.facts(dev)
    assert (facts.prediction, facts.schedule, facts.shift, facts.latent.channels) == ("flow", "flux", 1.15, 16)
    facts = network.facts(ModelRef(file_ref(models / SCHNELL)))
    assert (facts.schedule, facts.shift) == ("flow", 1.0)


def test_the_latents_scale_goes_there_and_back() -> None:
    latent = torch.tensor([0.1159, 1.1159])
    inside = network.FLUX_LATENT.process_in(latent)
    torch.testing.assert_close(inside, torch.tensor([0.0, 0.3611]))
    torch.testing.assert_close(network.FLUX_LATENT.process_out(inside), latent)


def test_a_network_is_pinned_while_used_and_stays_afterwards(dev: ModelRef) -> None:
    context = StandInContext()
    with network.borrow(context, dev) as net:
        (line,) = context.ledger.resident()
        assert (line.key, line.pinned, line.label) == (dev.storage_key, True, "flux1-dev.safetensors (diffusion model)")
        first = asked(net)
    assert not context.ledger.resident()[0].pinned
    assert context.used == [("flux1-dev.safetensors", "fp32")]
    with network.borrow(context, dev) as net:
        assert torch.equal(asked(net), first)
    context.ledger.drop_all()
    with network.borrow(context, dev) as net:
        assert torch.equal(asked(net), first)


def test_the_answer_is_float32_and_missing_values_have_comfyuis_defaults(dev: ModelRef) -> None:
    with network.borrow(StandInContext(), dev) as net:
        answer = asked(net)
        assert (answer.dtype, answer.shape) == (torch.float32, (1, 16, 4, 4))
        assert torch.equal(answer, asked(net, guidance=3.5, pooled_output=torch.zeros(1, 128)))
        assert not torch.allclose(answer, asked(net, guidance=None), atol=1e-4)
        both = asked(net, batch=2, pooled_output=torch.ones(1, 128))
        assert both.shape[0] == 2


@pytest.mark.parametrize(("asked_dtype", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_the_type_asked_for_is_computed_in(dev: ModelRef, asked_dtype: str, dtype: torch.dtype) -> None:
    context = StandInContext(dtype=asked_dtype)
    with network.borrow(context, dev) as net, network.borrow(StandInContext(), dev) as exact:
        assert net.dtype == dtype
        wanted = asked(exact)
        assert (asked(net) - wanted).pow(2).mean().sqrt() < 0.05 * wanted.pow(2).mean().sqrt()
    assert context.used == [("flux1-dev.safetensors", asked_dtype)]


def test_rounded_weights_take_private_memory_and_mapped_ones_do_not(dev: ModelRef) -> None:
    context = StandInContext()
    for weight_dtype in ("default", "fp8_e4m3fn", "fp8_e5m2"):
        with network.borrow(context, replace(dev, weight_dtype=weight_dtype)):
            pass
    mapped, e4m3, e5m2 = (line.size for line in context.ledger.resident())
    assert mapped < 200_000
    assert e4m3 == e5m2 > 9_000_000


def test_a_network_without_room_on_the_device_is_streamed_with_a_warning(
    dev: ModelRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way of a small GPU, with the device faked: the ledger books "cuda:0", the numbers are computed on the CPU."""
    context = StandInContext(ledger=Ledger(budgets={"cuda:0": 1_000_000, "cpu": None}))
    setting = Setting(torch.bfloat16, torch.device("cuda:0"))
    built: list[Setting] = []

    class Fake(residency.Networks):
        def __init__(self, label: str, pieces: dict[str, Piece], setting: Setting) -> None:
            super().__init__(label, pieces, setting)
            built.append(setting)
            self._setting = replace(setting, device=torch.device("cpu"))

    monkeypatch.setattr(residency, "Networks", Fake)
    monkeypatch.setattr(residency, "prepare", lambda context, device: None)  # there is no such device to measure
    pieces = {"flux": Piece(dev.file, runnable.require(index.read(dev.file.path), "flux"), network.Flux)}
    with residency.borrowed(context, dev.storage_key, "a model", pieces, setting) as networks:
        weights = [layer.packed for layer in linears(networks["flux"]).values()]
    assert [setting.streamed for setting in built] == [False, True]
    assert all(isinstance(weight, Plain) and weight.values.device.type == "cpu" for weight in weights)
    assert "a model needs 18.4 MiB on cuda:0" in context.warned[0]
    assert "sent over as they are needed" in context.warned[0]


def test_a_cpu_without_room_is_an_error(dev: ModelRef) -> None:
    context = StandInContext(ledger=Ledger(budgets={"cpu": 100}))
    with pytest.raises(DoesNotFit, match="flux1-dev.safetensors .* needs"), network.borrow(context, dev):
        pass


def test_conditioning_of_another_familys_encoders_is_told(dev: ModelRef) -> None:
    x, time = torch.zeros(1, 16, 4, 4), torch.ones(1)
    with network.borrow(StandInContext(), dev) as flux:
        assert flux.velocity(x, time, torch.zeros(1, 8, 256), {"pooled_output": None}).shape == x.shape
        assert flux.velocity(x, time, torch.zeros(1, 8, 256), {"pooled_output": torch.zeros(1, 192)}).shape == x.shape
        with pytest.raises(GraphInvalid, match="width 192 and a pooled vector of 64, but .* takes 256 and 128"):
            flux.velocity(x, time, torch.zeros(1, 77, 192), {"pooled_output": torch.zeros(1, 64)})
