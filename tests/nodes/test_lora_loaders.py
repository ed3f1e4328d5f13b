"""LoraLoader and LoraLoaderModelOnly give recipes with patches, and tell how the file fits."""

from pathlib import Path

import pytest

from engine.errors import ModelFileInvalid
from engine.inference import loading
from nodes.loaders import LoraLoader, LoraLoaderModelOnly
from schemas.sockets import ClipRef, FileRef, Lora, ModelRef
from tests.inference.stand_in import StandInContext, file_ref
from tests.models.fixture import tiny_models

CHECKPOINT, KOHYA, PEFT = "checkpoints/flux1-dev-fp8.safetensors", "flux_kohya.safetensors", "flux_peft.safetensors"


class Shelf(StandInContext):
    """A context with a models folder."""

    def __init__(self, models: Path) -> None:
        super().__init__()
        self.models = models

    def file(self, folder: str, name: str) -> FileRef:
        return file_ref(self.models / folder / name)


@pytest.fixture(scope="module")
def models() -> Path:
    return tiny_models(CHECKPOINT, f"loras/{KOHYA}", f"loras/{PEFT}")


@pytest.fixture
def shelf(models: Path) -> Shelf:
    return Shelf(models)


@pytest.fixture
def recipes(shelf: Shelf, models: Path) -> tuple[ModelRef, ClipRef]:
    return loading.checkpoint(shelf, file_ref(models / CHECKPOINT))[:2]


def test_both_get_the_patch_each_with_its_strength(shelf: Shelf, recipes: tuple[ModelRef, ClipRef]) -> None:
    model, clip = recipes
    node = LoraLoader(model=model, clip=clip, lora_name=KOHYA, strength_model=0.5, strength_clip=-1.0)
    changed, encoders = node.run(shelf)
    file = shelf.file("loras", KOHYA)
    assert (changed.patches, encoders.patches) == ((Lora(file, 0.5),), (Lora(file, -1.0),))
    assert (changed.storage_key, encoders.storage_key) == (model.storage_key, clip.storage_key)
    [report] = shelf.loras
    assert report.model
    assert report.text
    assert not report.unmatched


def test_model_only_leaves_out_what_is_for_text_encoders(shelf: Shelf, recipes: tuple[ModelRef, ClipRef]) -> None:
    LoraLoaderModelOnly(model=recipes[0], lora_name=KOHYA, strength_model=1.0).run(shelf)
    [report] = shelf.loras
    assert (report.text, report.unmatched) == (0, [])
    assert "are for text encoders, not used here" in str(report)


def test_a_strength_of_0_gives_the_recipe_as_it_came(recipes: tuple[ModelRef, ClipRef]) -> None:
    model, clip = recipes
    nowhere = StandInContext()
    node = LoraLoader(model=model, clip=clip, lora_name="not there", strength_model=0.0, strength_clip=0.0)
    assert node.run(nowhere) == recipes
    assert LoraLoaderModelOnly(model=model, lora_name="not there", strength_model=0.0).run(nowhere) == (model,)


def test_a_lora_without_text_encoder_modules_leaves_clip_alone(shelf: Shelf, recipes: tuple[ModelRef, ClipRef]) -> None:
    model, clip = LoraLoader(
        model=recipes[0], clip=recipes[1], lora_name=PEFT, strength_model=0.0, strength_clip=1.0
    ).run(shelf)
    assert (model, clip) == recipes


def test_a_checkpoint_in_place_of_a_lora_is_refused(shelf: Shelf, recipes: tuple[ModelRef, ClipRef]) -> None:
    name = f"../{CHECKPOINT}"
    with pytest.raises(ModelFileInvalid, match="a Flux model.*not a LoRA"):
        LoraLoaderModelOnly(model=recipes[0], lora_name=name, strength_model=1.0).run(shelf)
