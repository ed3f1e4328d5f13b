"""`comfyless nodes`: with the classes that comfyless brings."""

from collections.abc import Callable

import pytest

from tests.cli.conftest import Ended

Command = Callable[..., Ended]


def test_all_classes_are_listed_by_category(command: Command) -> None:
    ended = command("nodes")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines.index("sampling") < lines.index("utils/primitive")
    assert any(line.startswith("  KSampler  ") for line in lines[lines.index("sampling") :])


@pytest.mark.parametrize("name", ["KSamplerAdvanced", "ksampleradvanced", "KSampler (Advanced)"])
def test_one_class_is_described_by_class_or_shown_name(command: Command, name: str) -> None:
    ended = command("nodes", name)
    assert ended.out.startswith("KSamplerAdvanced (KSampler (Advanced)): sampling\n")
    rows = [line.split() for line in ended.out.splitlines()]
    assert ["model", "MODEL"] in rows
    assert ["noise_seed", "INT", "0", "0", "…", "18446744073709551615"] in rows
    assert ["LATENT", "LATENT"] in rows


def test_a_file_input_names_its_folder(command: Command) -> None:
    assert "a file of checkpoints" in command("nodes", "CheckpointLoaderSimple").out


def test_json_tells_all_that_a_program_needs(command: Command) -> None:
    (record,) = command("nodes", "--json", "KSampler").records
    inputs = {found["name"]: found for found in record["inputs"]}
    assert list(inputs)[:3] == ["model", "seed", "steps"]
    assert (inputs["model"]["wire"], inputs["model"]["type"], inputs["steps"]["wire"]) == (True, "MODEL", False)
    assert (inputs["steps"]["default"], inputs["steps"]["minimum"], inputs["steps"]["maximum"]) == (20, 1, 10000)
    assert "euler" in inputs["sampler_name"]["choices"]
    assert record["outputs"] == [{"name": "LATENT", "type": "LATENT", "is_list": False}]
    assert len(command("nodes", "--json").records) > 20


def test_an_unknown_class_is_told_with_near_names(command: Command) -> None:
    ended = command("nodes", "ksample")
    assert (ended.code, ended.out) == (2, "")
    assert "no node class is named 'ksample'. Did you mean KSampler" in ended.err
