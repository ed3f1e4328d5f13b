"""Loaders of the GGUF and NF4 packs: recipes of what they name, or an error that says what cannot be run yet."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ModelFileInvalid
from nodes import conditioning, gguf, loaders, nf4
from schemas.node import Node
from schemas.sockets import ClipRef, FileRef, ModelRef, VaeRef
from tests.inference.stand_in import StandInContext, file_ref
from tests.models.fixture import tiny_models

Q8, NF4 = "diffusion_models/flux1-dev-Q8_0.gguf", "checkpoints/flux1-dev-bnb-nf4.safetensors"
T5, CLIP_L = "text_encoders/t5-v1_1-xxl-encoder-Q8_0.gguf", "text_encoders/clip_l.safetensors"
CLIP_G = "text_encoders/clip_g.safetensors"
LLAMA = "text_encoders/Meta-Llama-3.1-8B-Instruct-Q8_0.gguf"
PLACES = {"unet_gguf": "diffusion_models"}


class FolderContext(StandInContext):
    """Finds files in a models folder."""

    def __init__(self, models: Path) -> None:
        super().__init__()
        self._models = models

    def file(self, folder: str, name: str) -> FileRef:
        return file_ref(self._models / PLACES.get(folder, folder) / name)


@pytest.fixture(scope="module")
def context() -> FolderContext:
    return FolderContext(tiny_models(Q8, NF4, T5, CLIP_L, CLIP_G, LLAMA))


def given(node: type[Node], context: FolderContext, **values: Any) -> Any:
    outputs = node.spec().run(values, context)
    return outputs[0] if len(outputs) == 1 else outputs


def name_of(path: str) -> str:
    return path.rpartition("/")[2]


def test_a_gguf_model_is_a_recipe_with_its_rounding(context: FolderContext) -> None:
    file = context.file("unet_gguf", name_of(Q8))
    assert given(gguf.UnetLoaderGGUF, context, unet_name=name_of(Q8)) == ModelRef(file)
    advanced = {"unet_name": name_of(Q8), "dequant_dtype": "float16", "patch_dtype": "target", "patch_on_device": True}
    assert given(gguf.UnetLoaderGGUFAdvanced, context, **advanced) == ModelRef(file, decoded_as="float16")


def test_text_encoders_of_both_formats_join_for_flux(context: FolderContext) -> None:
    names = (name_of(CLIP_L), name_of(T5))
    clip = given(gguf.DualCLIPLoaderGGUF, context, clip_name1=names[0], clip_name2=names[1], type="flux")
    assert clip == ClipRef(tuple(context.file("text_encoders", name) for name in names), "flux")


def test_each_loader_of_encoders_knows_what_they_are_for(context: FolderContext) -> None:
    file = context.file("text_encoders", name_of(T5))
    lone = given(gguf.CLIPLoaderGGUF, context, clip_name=name_of(T5), type="chroma")
    assert (
        lone == given(loaders.CLIPLoader, context, clip_name=name_of(T5), type="chroma") == ClipRef((file,), "chroma")
    )
    names = (name_of(CLIP_L), name_of(CLIP_G), name_of(T5))
    fields = {f"clip_name{number + 1}": name for number, name in enumerate(names)}
    triple = given(gguf.TripleCLIPLoaderGGUF, context, **fields)
    assert triple == given(loaders.TripleCLIPLoader, context, **fields)
    assert triple == ClipRef(tuple(context.file("text_encoders", name) for name in names), "sd3")


def test_three_times_the_same_encoder_is_refused(context: FolderContext) -> None:
    fields = {f"clip_name{number + 1}": name_of(T5) for number in range(3)}
    with pytest.raises(
        ModelFileInvalid, match="another of the chosen files holds too. sd3 reads clip_l, clip_g and t5"
    ):
        given(gguf.TripleCLIPLoaderGGUF, context, **fields)


def test_four_encoders_join_for_hidream_in_any_order(context: FolderContext) -> None:
    names = [name_of(path) for path in (LLAMA, CLIP_G, T5, CLIP_L)]
    fields = {f"clip_name{number + 1}": name for number, name in enumerate(names)}
    quadruple = given(gguf.QuadrupleCLIPLoaderGGUF, context, **fields)
    assert quadruple == given(loaders.QuadrupleCLIPLoader, context, **fields)
    assert quadruple == ClipRef(tuple(context.file("text_encoders", name) for name in names), "hidream")
    with pytest.raises(
        ModelFileInvalid, match="another of the chosen files holds too. hidream reads clip_l, clip_g, t5"
    ):
        given(gguf.QuadrupleCLIPLoaderGGUF, context, **fields | {"clip_name1": name_of(T5)})


def test_the_last_layer_is_a_part_of_the_recipe(context: FolderContext) -> None:
    clip = ClipRef((context.file("text_encoders", name_of(CLIP_L)),), "stable_diffusion")
    assert given(conditioning.CLIPSetLastLayer, context, clip=clip, stop_at_clip_layer=-2) == replace(clip, layer=-2)


def test_nf4_files_give_their_parts_and_must_be_what_was_asked_for(context: FolderContext) -> None:
    file = context.file("checkpoints", name_of(NF4))
    parts = given(nf4.CheckpointLoaderNF4, context, ckpt_name=name_of(NF4))
    assert parts == (ModelRef(file), ClipRef((file,)), VaeRef(file))
    q8 = {"unet_name": name_of(Q8)}
    assert given(nf4.UNETLoaderNF4, context, **q8, bnb_dtype="default").file.name == name_of(Q8)
    with pytest.raises(ModelFileInvalid, match=r"stored as gguf:Q8_0, not nf4\. Choose bnb_dtype default"):
        given(nf4.UNETLoaderNF4, context, **q8, bnb_dtype="nf4")


def test_an_input_that_may_be_left_out_has_its_default(context: FolderContext) -> None:
    assert given(nf4.UNETLoaderNF4, context, unet_name=name_of(Q8)).weight_dtype == "default"
