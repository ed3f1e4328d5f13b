"""What made a picture runs again: equal to the bit, or the difference has a name."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine import api
from engine.cli.demo import CHECKPOINT, changes
from engine.replaying.differences import Difference
from engine.replaying.recorded import ANOTHER_PROGRAM
from engine.replaying.replaying import Replay, Replayer, uncached
from tests.replaying.pictures import GRADED, doctored, gradient, made, put_input, replayed, without

ROOT = Path(__file__).parents[2]
DEMO_MODELS = ROOT / "graphs" / "demo" / "models"
SAMPLER = "31"


@pytest.fixture
def picture(empty_folder: Path) -> Path:
    """Made without a model."""
    put_input(gradient())
    return made()


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of the demo model, after two steps."""
    folder = tmp_path_factory.mktemp("painted")
    settings = api.Settings(models=[DEMO_MODELS], output=folder, device="cpu", threads=1)
    sets = [*changes("a red circle on a blue background", None), "KSampler.steps=2"]
    report = api.run(api.override(api.load(ROOT / "graphs" / "flux_dev_fp8.json"), sets), settings)
    assert report.status == "done", report
    return Path(report.outputs["9"][0])


@pytest.fixture
def demo(painted: Path, empty_folder: Path) -> tuple[Path, api.Settings]:
    """A copy of that picture, and where its model is."""
    shutil.copy(painted, "demo.png")
    return Path("demo.png"), api.Settings(models=[DEMO_MODELS], device="cpu", threads=1)


def whats(replay: Replay) -> list[str]:
    return [difference.what for difference in replay.differences]


def only(replay: Replay, what: str) -> Difference:
    (difference,) = [each for each in replay.differences if each.what == what]
    return difference


def about(path: Path | str) -> Any:
    """What a picture says about its making."""
    with Image.open(path) as opened:
        return json.loads(opened.info["comfyless"])


def test_a_picture_comes_out_identical_and_nothing_is_left_on_disk(picture: Path, empty_folder: Path) -> None:
    before = sorted(empty_folder.rglob("*"))
    replay = replayed(picture)
    assert (replay.identical, replay.differences, replay.notes) == (True, [], [])
    assert (replay.max_difference, replay.mean_difference, replay.pixels_differing) == (0, 0.0, 0)
    assert (replay.width, replay.height, replay.picture, replay.report.outputs) == (24, 16, None, {})
    assert sorted(empty_folder.rglob("*")) == before


def test_every_picture_of_a_batch_finds_its_like(empty_folder: Path) -> None:
    put_input(gradient())
    graph = {
        **GRADED,
        "4": {"class_type": "ImageBatch", "inputs": {"image1": ["2", 0], "image2": ["1", 0]}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": "made"}},
    }
    made(graph)
    both = sorted(Path("output").iterdir())
    assert len(both) == 2
    assert [replayed(path).identical for path in both] == [True, True]


def test_a_preview_is_replayed_as_well(empty_folder: Path) -> None:
    put_input(gradient())
    preview = made({**GRADED, "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}}})
    assert preview.parent.name == "temp"
    assert replayed(preview).identical


def test_a_kept_picture_has_the_bytes_of_the_first(picture: Path) -> None:
    replay = replayed(picture, kept=Path("again"))
    assert replay.picture is not None
    assert Path(replay.picture).read_bytes() == picture.read_bytes()
    assert replay.report.outputs == {"3": [replay.picture]}


def test_a_changed_input_is_named(picture: Path) -> None:
    changed = gradient()
    changed[3, 4, 1] += 9
    put_input(changed)
    replay = replayed(picture)
    assert (replay.identical, replay.max_difference, replay.pixels_differing) == (False, 9, 1)
    assert whats(replay) == ["input", "pixels"]
    assert replay.differences[0].said == "the picture 'in.png' that is loaded has changed"


def test_another_size_is_told(picture: Path) -> None:
    put_input(gradient()[:, :20])
    replay = replayed(picture)
    assert (replay.identical, replay.max_difference, replay.pixels_differing) == (False, None, None)
    assert only(replay, "size").said == "24×16 pixels → 20×16"


def test_a_version_that_changed_nothing_is_told_all_the_same(picture: Path) -> None:
    replay = replayed(doctored(picture, comfyless=lambda about: {**about, "version": "0.0.1", "torch": "1.0"}))
    assert replay.identical
    assert whats(replay) == ["version", "torch"]
    assert replay.differences[0].was == "0.0.1"


def test_of_another_programs_picture_only_pixels_are_compared(picture: Path) -> None:
    put_input(255 - gradient())
    replay = replayed(doctored(picture, comfyless=without))
    assert (replay.identical, replay.notes, whats(replay)) == (False, [ANOTHER_PROGRAM], ["pixels"])
    put_input(gradient())
    assert replayed(picture).identical


def test_a_lossy_file_is_compared_without_guesses(picture: Path) -> None:
    with Image.open(picture) as opened:
        exif = opened.getexif()
        exif[0x0110] = f"prompt:{opened.info['prompt']}"
        opened.save("lossy.jpg", exif=exif, quality=95)
    replay = replayed("lossy.jpg")
    assert (replay.identical, replay.lossy, whats(replay)) == (False, True, ["pixels"])
    assert replay.max_difference is not None
    assert 0 < replay.max_difference < 60


def test_a_missing_input_is_told_and_nothing_is_compared(picture: Path) -> None:
    Path("input/in.png").unlink()
    replay = replayed(picture)
    assert (replay.identical, replay.report.status) == (None, "invalid")
    assert [problem.code for problem in replay.report.problems] == ["missing-file"]


def test_a_graph_that_saves_nothing_like_it_any_more_is_told(picture: Path) -> None:
    replay = replayed(doctored(picture, comfyless=lambda about: {**about, "saved_by": "77"}))
    assert (replay.identical, replay.report.status) == (None, "invalid")
    assert [problem.code for problem in replay.report.problems] == ["not-comparable"]
    assert replay.report.problems[0].file == str(picture)


def test_a_session_that_keeps_results_is_refused(tmp_path: Path) -> None:
    for settings in (api.Settings(), api.Settings(cache="off"), api.Settings(memory_cache=0, cache=tmp_path)):
        with pytest.raises(ValueError, match="keeps no results"):
            Replayer(api.Session(settings))


def test_what_was_computed_for_one_picture_is_computed_again_for_the_next(picture: Path) -> None:
    replayer = Replayer(api.Session(uncached(api.Settings(device="cpu"))))
    for _ in range(2):
        assert [step.state for step in replayer.replay(str(picture)).report.steps] == ["run"] * 3


def test_events_are_told_and_a_wish_to_stop_is_heard(picture: Path) -> None:
    heard: list[str] = []
    settings = uncached(api.Settings(device="cpu"))
    Replayer(api.Session(settings), events=lambda event: heard.append(event.event)).replay(str(picture))
    assert heard.count("step-done") == 3
    replay = Replayer(api.Session(settings, stop=lambda: True)).replay(str(picture))
    assert (replay.identical, replay.report.status) == (None, "interrupted")


def test_a_model_gives_the_same_picture_and_the_same_numbers_in_every_node(demo: tuple[Path, api.Settings]) -> None:
    path, settings = demo
    assert {"6", SAMPLER} <= about(path)["nodes"].keys()
    replay = replayed(path, kept=Path("again"), settings=settings)
    assert (replay.identical, replay.differences) == (True, [])
    assert replay.picture is not None
    assert about(replay.picture) == about(path)


def test_a_changed_seed_names_the_sampler(demo: tuple[Path, api.Settings]) -> None:
    path, settings = demo

    def reseeded(prompt: Any) -> Any:
        prompt[SAMPLER]["inputs"]["seed"] = 5
        return prompt

    replay = replayed(doctored(path, prompt=reseeded), settings=settings)
    assert replay.identical is False
    assert whats(replay) == ["seed", "node", "pixels"]
    assert (only(replay, "seed").node, only(replay, "seed").now) == (SAMPLER, 5)
    node = only(replay, "node")
    assert (node.node, node.said) == (
        SAMPLER,
        f"{SAMPLER} KSampler gives other numbers; all that is on record before it is the same",
    )


def negate(path: Path, tensor: str) -> None:
    """Change the signs of some numbers of a tensor in a safetensors file."""
    data = bytearray(path.read_bytes())
    header = int.from_bytes(data[:8], "little")
    start, end = json.loads(data[8 : 8 + header])[tensor]["data_offsets"]
    for at in range(8 + header + start, 8 + header + end, 7):
        data[at] ^= 0x80
    path.write_bytes(data)


def test_a_changed_model_file_is_named_with_the_first_node_that_it_reaches(demo: tuple[Path, api.Settings]) -> None:
    path, settings = demo
    shutil.copytree(DEMO_MODELS, "models")
    negate(Path("models/checkpoints", CHECKPOINT), "model.diffusion_model.final_layer.linear.weight")
    replay = replayed(path, settings=settings.model_copy(update={"models": [Path("models")]}))
    assert replay.identical is False
    assert whats(replay) == ["model", "node", "pixels"]
    model = only(replay, "model")
    assert CHECKPOINT in model.said
    assert model.was != model.now
    assert str(model.was).startswith("blake2b:")
    assert only(replay, "node").node == SAMPLER


def test_a_missing_model_is_told_with_the_fingerprint_that_it_had(demo: tuple[Path, api.Settings]) -> None:
    path, settings = demo
    Path("models/checkpoints").mkdir(parents=True)
    replay = replayed(path, settings=settings.model_copy(update={"models": [Path("models")]}))
    (problem,) = replay.report.problems
    assert (replay.identical, problem.code) == (None, "missing-file")
    assert f"its fingerprint was {about(path)['models'][0]['fingerprint']}" in problem.said


def test_pixels_changed_by_hand_are_told_from_those_that_a_node_made(demo: tuple[Path, api.Settings]) -> None:
    path, settings = demo
    with Image.open(path) as opened:
        opened.load()
    texts = {key: text for key, text in opened.info.items() if isinstance(text, str)}
    pixels = np.asarray(opened).copy()
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(path)
    replay = replayed(
        doctored(path, **{key: lambda none, text=text: text for key, text in texts.items()}), settings=settings
    )
    assert whats(replay) == ["edited", "pixels"]
    assert (only(replay, "edited").node, replay.max_difference, replay.pixels_differing) == ("9", 1, 1)
