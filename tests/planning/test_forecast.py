"""What a batch would do is counted on its merged graph."""

from collections.abc import Callable, Iterable
from typing import Any, get_args

import pytest

from engine.graph.values import bind
from engine.planning.evaluations import ONE_A_STEP, evaluations
from engine.planning.forecast import forecast
from engine.planning.merging import Merged, Merger
from engine.planning.shapes import graph_shape, shapes_of
from engine.plugins.registry import Registry
from schemas.batch import Forecast
from schemas.choices import SamplerName
from schemas.prompt import Prompt
from tests.planning.fakes import FakeFiles, bound_of
from tests.planning.test_plan import SWITCH
from tests.planning.test_shapes import GRAPH

FILES = FakeFiles(flux="1", t5="2", ae="3")
GRAPH = GRAPH | {
    "vae": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}},
    "decode": {"class_type": "VAEDecode", "inputs": {"samples": ["sample", 0], "vae": ["vae", 0]}},
    "save": {"class_type": "SaveImage", "inputs": {"images": ["decode", 0], "filename_prefix": "a"}},
}


def row(text: str = "a cat", seed: int = 1, **sampling: Any) -> dict[str, Any]:
    sample = {**GRAPH["sample"]["inputs"], "seed": seed, **sampling}
    encode = {**GRAPH["text"]["inputs"], "text": text}
    return GRAPH | {"sample": GRAPH["sample"] | {"inputs": sample}, "text": GRAPH["text"] | {"inputs": encode}}


def merged(*rows: dict[str, Any]) -> Merged:
    registry, merger = Registry.builtin(), Merger(FILES)
    for number, each in enumerate(rows):
        merger.add(number, bind(Prompt.model_validate({"nodes": each}), registry), ["save"])
    return merger.merged


def never(key: str) -> bool:
    return False


def timed(**seconds: float) -> Callable[[Iterable[str]], dict[str, float]]:
    return lambda shapes: {shape: seconds[shape] for shape in shapes if shape in seconds}


def told(*rows: dict[str, Any], **more: Any) -> Forecast:
    return forecast(merged(*rows), FILES, **({"has": never, "timings": timed()} | more))


SIX = [row(text, seed) for text in ("a cat", "a dog", "a fox") for seed in (1, 2)]


def test_what_rows_have_in_common_is_counted_once():
    found = told(*SIX)
    assert (found.rows, found.steps, found.distinct, found.shared, found.cached) == (6, 48, 25, 23, 0)
    assert {each.class_type: (each.runs, each.shared) for each in found.classes} == {
        "UNETLoader": (1, 5),
        "CLIPLoader": (1, 5),
        "VAELoader": (1, 5),
        "EmptySD3LatentImage": (1, 5),
        "CLIPTextEncode": (3, 3),
        "KSampler": (6, 0),
        "VAEDecode": (6, 0),
        "SaveImage": (6, 0),
    }
    assert found.encodes == 3
    assert found.model_calls == 6 * 4


def test_each_set_of_weights_is_told_with_its_file_and_its_users():
    found = told(*SIX)
    assert {(each.kind, *each.files): (each.steps, each.loads) for each in found.loads} == {
        ("CLIP", "t5.safetensors"): (3, 1),
        ("MODEL", "flux.safetensors"): (6, 1),
        ("VAE", "ae.safetensors"): (6, 1),
    }
    assert all(each.bytes > 0 for each in found.loads)
    assert found.read_bytes == found.loads[0].bytes  # every fake file is one and the same


def test_where_models_do_not_stay_each_wave_loads_those_it_uses():
    found = told(*SIX, wave=2)
    assert {each.kind: each.loads for each in found.loads} == {"CLIP": 3, "MODEL": 3, "VAE": 3}
    found = told(*(row(seed=seed) for seed in range(4)), wave=2)
    assert {each.kind: each.loads for each in found.loads} == {"CLIP": 1, "MODEL": 2, "VAE": 2}


def test_what_is_kept_needs_neither_its_parents_nor_their_weights():
    graph = merged(*SIX)
    kept = {record.key for record in graph.records.values() if record.class_type == "CLIPTextEncode"}
    found = forecast(graph, FILES, kept.__contains__, timed())
    assert found.encodes == 0
    assert found.cached == 3 + 1  # the texts, and the loader that only they read
    assert {each.kind for each in found.loads} == {"MODEL", "VAE"}


def test_with_all_pictures_kept_only_saving_remains():
    graph = merged(*SIX)
    kept = {record.key for record in graph.records.values() if record.class_type == "VAEDecode"}
    found = forecast(graph, FILES, kept.__contains__, timed())
    assert {each.class_type: each.runs for each in found.classes if each.runs} == {"SaveImage": 6}
    assert (found.loads, found.model_calls, found.read_bytes) == ([], 0, 0)


def test_time_is_summed_over_the_steps_that_were_timed_and_the_others_are_counted():
    graph = merged(*SIX)
    shapes = shapes_of(graph.bound, graph.records)
    sampling = {shapes[step] for step, record in graph.records.items() if record.class_type == "KSampler"}
    assert len(sampling) == 1
    found = forecast(graph, FILES, never, timed(**dict.fromkeys(sampling, 2.5)))
    assert (found.seconds, found.untimed) == (15.0, 25 - 6)
    found = forecast(graph, FILES, never, timed(**dict.fromkeys(shapes.values(), 1.0)))
    assert (found.seconds, found.untimed) == (25.0, 0)


def test_steps_that_were_never_timed_take_no_time_that_is_known():
    assert (told(*SIX).seconds, told(*SIX).untimed) == (None, 25)


def test_the_largest_memory_measured_for_such_a_graph_is_told():
    graph = merged(*SIX)
    alone = merged(SIX[3])
    shape = graph_shape(shapes_of(alone.bound, alone.records).values())
    assert forecast(graph, FILES, never, timed(**{shape: 5e9})).peak_bytes == 5_000_000_000
    assert told(*SIX).peak_bytes is None


def test_a_sampler_that_asks_its_model_more_often_makes_the_number_of_calls_unknown():
    assert told(row(), row(seed=2, sampler_name="heun")).model_calls is None


def test_steps_behind_lazy_inputs_are_told_apart():
    merger = Merger(FakeFiles())
    merger.add(0, bound_of(SWITCH), ["show"])
    found = forecast(merger.merged, FakeFiles(), never, timed())
    assert (found.distinct, found.maybe) == (5, 3)
    assert {each.class_type: each.maybe for each in found.classes if each.maybe} == {"ToyNumber": 2, "ToyAdd": 1}


CUSTOM = {
    "select": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
    "levels": {
        "class_type": "BasicScheduler",
        "inputs": {"model": ["model", 0], "scheduler": "simple", "steps": 6, "denoise": 0.5},
    },
    "second": {"class_type": "SplitSigmas", "inputs": {"sigmas": ["levels", 0], "step": 2}},
    "noise": {"class_type": "RandomNoise", "inputs": {"noise_seed": 3}},
    "guider": {"class_type": "BasicGuider", "inputs": {"model": ["model", 0], "conditioning": ["text", 0]}},
}


@pytest.mark.parametrize(("sigmas", "calls"), [("levels", 6), ("second", None)])
def test_a_custom_sampler_asks_as_often_as_its_schedule_says(sigmas, calls):
    inputs = {name: [name, 0] for name in ("noise", "guider")}
    inputs |= {"sampler": ["select", 0], "sigmas": [sigmas, 0], "latent_image": ["empty", 0]}
    found = told(row() | CUSTOM | {"sample": {"class_type": "SamplerCustomAdvanced", "inputs": inputs}})
    assert found.model_calls == calls
    assert {each.kind: each.steps for each in found.loads} == {"CLIP": 1, "VAE": 1, "MODEL": 1}


@pytest.mark.parametrize(("first", "last", "calls"), [(0, 10_000, 8), (3, 10_000, 5), (0, 6, 6), (7, 5, 0)])
def test_a_part_of_a_schedule_takes_as_many_calls_as_it_has_steps(first, last, calls):
    given = {name: value for name, value in GRAPH["sample"]["inputs"].items() if name not in ("seed", "denoise")}
    part = {
        "noise_seed": 1, "steps": 8, "add_noise": "enable", "start_at_step": first, "end_at_step": last,
        "return_with_leftover_noise": "disable",
    }  # fmt: skip
    graph = {**GRAPH, "sample": {"class_type": "KSamplerAdvanced", "inputs": given | part}}
    bound = bind(Prompt.model_validate({"nodes": graph}), Registry.builtin())
    assert evaluations(bound, "sample") == calls


@pytest.mark.parametrize("name", sorted(ONE_A_STEP))
def test_samplers_counted_with_one_call_a_step_make_one(name):
    from engine.inference.sampling.processes import FluxProcess
    from engine.inference.sampling.walk import walk
    from tests.inference.sampling import closed_form

    calls = []

    class Counting(closed_form.ClosedForm):
        def _estimate(self, latent: Any, sigma: float, kind: int) -> Any:
            calls.append(sigma) if kind == 1 else None
            return super()._estimate(latent, sigma, kind)

    levels = closed_form.levels(FluxProcess(), ("simple", 6, 0, None))
    walk(Counting(FluxProcess()), closed_form.start(levels[0]), levels, name, 1, {}, lambda *_: None)
    assert len(calls) == 6


def test_only_known_samplers_are_counted():
    assert set(get_args(get_args(SamplerName)[0])) >= ONE_A_STEP
