"""Loaders of the GGUF and NF4 packs: recipes of what they name, or an error that says what cannot be run yet."""

from pathlib import Path
from typing import Any

import pytest

from engine.errors import ModelFileInvalid
from nodes import gguf, nf4
from schemas.node import Node
from schemas.sockets import ClipRef, FileRef, ModelRef, VaeRef
from tests.inference.stand_in import StandInContext, file_ref
from tests.models.fixture import tiny_models

Q8, NF4 = "diffusion_models/flux1-dev-Q8_0.gguf", "checkpoints/flux1-dev-bnb-nf4.safetensors"
T5, CLIP_L = "text_encoders/t5-v1_1-xxl-encoder-Q8_0.gguf", "text_encoders/clip_l.safetensors"
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
    return FolderContext(tiny_models(Q8, NF4, T5, CLIP_L))


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


@pytest.mark.parametrize(
    ("node", "count", "extra", "family"),
    [
        (gguf.CLIPLoaderGGUF, 0, {"clip_name": name_of(T5), "type": "sd3"}, "sd3"),
        (gguf.TripleCLIPLoaderGGUF, 3, {}, "sd3"),
        (gguf.QuadrupleCLIPLoaderGGUF, 4, {}, "hidream"),
    ],
)
def test_encoders_of_models_that_cannot_be_run_say_so(
    context: FolderContext, node: type[Node], count: int, extra: dict[str, str], family: str
) -> None:
    names = {f"clip_name{number + 1}": name_of(T5) for number in range(count)}
    with pytest.raises(ModelFileInvalid, match=f"cannot be joined for '{family}': only flux is supported"):
        given(node, context, **names, **extra)


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
