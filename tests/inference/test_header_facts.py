"""What headers are checked against is what networks ask for, and storages called decodable have decoders."""

from torch import nn

from engine.checkpoints import storage
from engine.checkpoints.families import clip, flux, t5
from engine.inference.encoders.clip import Clip
from engine.inference.encoders.parts import build_clip
from engine.inference.encoders.t5 import T5
from engine.inference.models.flux import Flux
from engine.inference.weights.assembly import slots
from engine.inference.weights.ggml.formats import DECODERS
from engine.inference.weights.mapped import DTYPES


def asked(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: slot.shape for name, slot in slots(network)}


def test_shapes_of_flux_are_those_of_the_network() -> None:
    for guided in (True, False):
        sizes = flux.FluxSizes(64, 32, 2, 2, 3, 64, 16, 24, 12, 128, guided)
        assert flux.shapes(sizes) == asked(Flux(sizes))


def test_shapes_of_t5_are_those_of_the_network_but_for_the_embedding() -> None:
    sizes = t5.T5Sizes(16, 2, 48, 3, 8, 100, 32)
    assert t5.shapes(sizes) | {"shared.weight": (100, 16)} == asked(T5(sizes))


def test_shapes_of_clip_are_those_of_the_network_but_for_the_projection() -> None:
    sizes = clip.ClipSizes(64, 2, 96, 100, 10, 1, "quick_gelu", projection=True)
    assert clip.shapes(sizes) == asked(build_clip(sizes))
    assert clip.shapes_projected(sizes) == asked(Clip(sizes))


def test_every_storage_that_may_be_run_can_be_decoded() -> None:
    assert set(storage.GGUF_DECODED) == set(DECODERS)
    assert all(DTYPES[name].is_floating_point for name in storage.FLOATS)
