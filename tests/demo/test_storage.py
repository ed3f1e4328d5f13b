"""The table of storage types: how it reads, where it goes, and that a stopped measurement goes on."""

import json
from pathlib import Path
from typing import Any

import pytest

from graphs.demo import storage
from graphs.demo.measure import read_prompts

ROW = {"type": "Q4_K", "transformer_bytes": 3172608, "psnr": 46.56, "latent_error": 0.040675, "followed": 0.9821}
SAME = {"type": "bf16", "transformer_bytes": 9331200, "psnr": None, "latent_error": 0.0, "followed": 1.0}


def test_a_row_reads_as_people_write_numbers() -> None:
    lines = storage.table([SAME, ROW]).splitlines()
    assert lines[2:] == ["| bf16 | 9.33 MB | identical | 0 | 100 % |", "| Q4_K | 3.17 MB | 46.6 dB | 4.1 % | 98 % |"]


def test_the_table_takes_the_place_of_the_last_one_and_of_nothing_else(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{storage.BEGIN}\nold\n{storage.END}\nbehind\n")
    storage.write_table(readme, "new\n")
    assert readme.read_text() == f"before\n{storage.BEGIN}\nnew\n{storage.END}\nbehind\n"
    readme.write_text("no marks")
    with pytest.raises(ValueError, match="has no"):
        storage.write_table(readme, "new\n")


def test_what_was_measured_before_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def row(kind: str, prompts: list[Any], *_: Any) -> dict[str, Any]:
        asked.append(kind)
        return {"type": kind, "prompts": len(prompts)}

    monkeypatch.setattr(storage, "row", row)
    monkeypatch.setattr(storage, "render", lambda *_: None)
    out, prompts = tmp_path / "storage.json", read_prompts()[:2]
    storage.measure(["bf16"], prompts, out)
    storage.measure(["bf16", "Q8_0"], prompts, out)
    assert asked == ["fp8", "bf16", "Q8_0"]
    assert [each["type"] for each in json.loads(out.read_text())] == ["fp8", "bf16", "Q8_0"]
    storage.measure(["bf16"], prompts[:1], out)
    assert asked[3:] == ["fp8", "bf16"]


def test_the_readme_shows_the_record_and_the_record_keeps_what_is_promised() -> None:
    rows = json.loads(Path(storage.__file__).with_name("storage.json").read_text())
    readme = Path(storage.__file__).parents[2].joinpath("README.md").read_text("utf-8")
    assert f"{storage.BEGIN}\n{storage.table(rows)}{storage.END}" in readme
    by_type = {each["type"]: each for each in rows}
    assert by_type["Q8_0"]["psnr"] >= 40
    assert min(by_type["nf4"]["followed"], by_type["Q4_K"]["followed"]) >= 0.85


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "least_psnr"), [("Q8_0", 40), ("Q4_K", 30), ("nf4", 25)])
def test_a_quantised_demo_model_still_draws_what_is_asked_for(kind: str, least_psnr: float, tmp_path: Path) -> None:
    prompts = read_prompts()[::14]
    original = storage.render(storage.workflows(prompts), [storage.BUNDLED])
    found = storage.row(kind, prompts, original, tmp_path)
    assert found["psnr"] >= least_psnr
    assert found["followed"] >= 0.85
