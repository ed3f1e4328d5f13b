"""What one process has computed is read from disk by the next, which loads no weights for it."""

from pathlib import Path

import pytest

from engine import api
from schemas.report import MemoryMoved, RunReport
from schemas.settings import Settings

GRAPHS = Path(api.__file__).parent.parent / "graphs"
QUICK = ("31.steps=1", "27.width=64", "27.height=64", "30.ckpt_name=demo-flux-fp8.safetensors")


def session(folder: Path, moved: list[str] | None = None, **settings: object) -> api.Session:
    def event(happened: object) -> None:
        if moved is not None and isinstance(happened, MemoryMoved) and happened.action == "load":
            moved.append(happened.label)

    places = {name: folder / name for name in ("output", "temp", "input", "cache")}
    models = [GRAPHS / "demo" / "models"]
    return api.Session(Settings(models=models, device="cpu", **places, **settings), events=event)


def run(folder: Path, *sets: str, moved: list[str] | None = None) -> RunReport:
    """As a process of its own would: nothing is in memory yet."""
    workflow = api.override(api.load(GRAPHS / "flux_dev_fp8.json"), [*QUICK, *sets])
    with session(folder, moved) as fresh:
        return fresh.run(workflow)


def states(report: RunReport) -> dict[str, str]:
    return {step.class_type: step.state for step in report.steps}


def test_the_next_process_loads_no_weights_for_what_the_last_has_done(tmp_path: Path) -> None:
    first = run(tmp_path)
    assert (first.work.encodes, first.work.loads, first.work.model_calls) == (2, 3, 1)
    moved: list[str] = []
    second = run(tmp_path, moved=moved)
    assert second.status == "done"
    assert moved == []
    assert (second.work.encodes, second.work.loads, second.work.model_calls) == (0, 0, 0)
    assert states(second)["SaveImage"] == "run"
    one, two = (Path(report.outputs["9"][0]) for report in (first, second))
    assert one != two
    assert one.read_bytes() == two.read_bytes()


def test_another_seed_loads_no_text_encoder(tmp_path: Path) -> None:
    run(tmp_path)
    moved: list[str] = []
    report = run(tmp_path, "31.seed=7", moved=moved)
    assert report.work.encodes == 0
    assert not [label for label in moved if "text encoders" in label]
    assert report.work.model_calls == 1


@pytest.mark.parametrize("spoil", ["shorten", "flip", "remove"])
def test_what_was_damaged_on_disk_is_made_again(tmp_path: Path, spoil: str) -> None:
    first = run(tmp_path)
    kept = [path for path in (tmp_path / "cache").rglob("*.safetensors")]
    assert len(kept) >= 3
    for path in kept:
        data = path.read_bytes()
        match spoil:
            case "shorten":
                path.write_bytes(data[:-5])
            case "flip":
                path.write_bytes(data[:-5] + bytes([data[-5] ^ 1]) + data[-4:])
            case _:
                path.unlink()
    again = run(tmp_path)
    assert again.status == "done"
    assert again.work == first.work
    assert Path(first.outputs["9"][0]).read_bytes() == Path(again.outputs["9"][0]).read_bytes()
    assert run(tmp_path).work.model_calls == 0


def test_a_plan_tells_what_the_disk_has(tmp_path: Path) -> None:
    run(tmp_path)
    workflow = api.override(api.load(GRAPHS / "flux_dev_fp8.json"), [*QUICK, "31.seed=7"])
    with session(tmp_path) as fresh:
        plan = {step.class_type: step.state for step in fresh.plan(workflow).steps}
    assert plan["CLIPTextEncode"] == "cached"
    assert plan["KSampler"] == "run"


def test_without_a_folder_nothing_is_kept_on_disk(tmp_path: Path) -> None:
    workflow = api.override(api.load(GRAPHS / "flux_dev_fp8.json"), QUICK)
    with api.Session(Settings(models=[GRAPHS / "demo" / "models"], output=tmp_path / "o", cache="off")) as plain:
        assert plain.run(workflow).status == "done"
    assert [path.name for path in tmp_path.iterdir()] == ["o"]
