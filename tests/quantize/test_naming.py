"""Names of quantised files follow those of published ones."""

import pytest

from engine.quantize.naming import named, stored_as
from schemas.weight_types import VARIANTS, WeightType, parse


@pytest.mark.parametrize(
    ("source", "to", "expected"),
    [
        ("flux1-dev-fp8.safetensors", "Q4_K_S", "flux1-dev-Q4_K_S.gguf"),
        ("flux1-dev-fp8.safetensors", "gguf", "flux1-dev-Q8_0.gguf"),
        ("flux1-dev-fp8.safetensors", "nf4", "flux1-dev-bnb-nf4-v2.safetensors"),
        ("flux1-schnell-fp8.safetensors", "nf4:v1", "flux1-schnell-bnb-nf4.safetensors"),
        ("flux1-dev-bnb-nf4-v2.safetensors", "fp8", "flux1-dev-fp8.safetensors"),
        ("flux1-dev-Q4_K_S.gguf", "bf16", "flux1-dev-bf16.safetensors"),
        ("flux1-dev.safetensors", "fp8:scaled", "flux1-dev-fp8_scaled.safetensors"),
        ("flux_dev_fp8_e4m3fn_scaled.sft", "Q5_0", "flux_dev-Q5_0.gguf"),
        ("flux1-dev-fp8-e4m3fn.safetensors", "fp8:e5m2", "flux1-dev-fp8_e5m2.safetensors"),
        ("FLUX/sub/flux1-dev-F16.gguf", "Q8_0", "FLUX/sub/flux1-dev-Q8_0.gguf"),
        ("fp8.safetensors", "bf16", "fp8-bf16.safetensors"),
        ("v1.5-pruned", "Q8_0", "v1.5-pruned-Q8_0.gguf"),
    ],
)
def test_the_storage_in_a_name_is_replaced(source: str, to: str, expected: str) -> None:
    assert named(source, parse(to)) == expected


@pytest.mark.parametrize("name", ["model.safetensors", "flux2_dev_fp8mixed.safetensors", "my-nf4-and-fp8-merge.sft"])
@pytest.mark.parametrize("to", ["nf4", "nf4:v1", "fp8", "fp8:e5m2", "fp8:scaled", "bf16", "fp32"])
def test_a_name_tells_what_was_put_at_its_end(name: str, to: str) -> None:
    assert stored_as(named(name, parse(to))) == parse(to)
    assert stored_as(name) is None


@pytest.mark.parametrize("to", [WeightType(form, variant) for form in VARIANTS for variant in VARIANTS[form]], ids=str)
def test_naming_twice_names_once(to: WeightType) -> None:
    assert named(named("model.safetensors", to), to) == named("model.safetensors", to)
