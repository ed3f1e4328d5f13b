"""Pictures of a job wait under passing names until the job has run."""

import errno
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.errors import NotWritten
from engine.running.outputs import OutputFolder
from engine.working.staging import StagingFolder
from schemas.report import RunReport

MOMENT = datetime(2025, 3, 7, 15, 4, 9)


def picture() -> Any:
    return np.arange(36, dtype=np.uint8).reshape(4, 3, 3)


@pytest.fixture
def staging(tmp_path: Path) -> StagingFolder:
    roots = {"output": tmp_path / "output", "temp": tmp_path / "temp"}
    return StagingFolder(tmp_path / "staging" / "1-1", roots, clock=lambda: MOMENT)  # type: ignore[arg-type]


def test_a_draft_has_the_bytes_of_the_picture_that_a_run_would_write(staging: StagingFolder, tmp_path: Path) -> None:
    metadata = {"prompt": '{"1": {"class_type": "A", "inputs": {"x": "y"}}}'}
    folder = OutputFolder(tmp_path / "direct", tmp_path / "direct", clock=lambda: MOMENT)
    direct = folder.save(picture(), "sub/%A.x%-%year%", "output", 0, metadata)
    draft = staging.save(picture(), "sub/%A.x%-%year%", "output", 0, metadata)
    assert draft.read_bytes() == direct.read_bytes()
    report = RunReport(file="a", status="done", outputs={"9": [str(draft)]})
    assert [each.name for each in staging.drafts(report)] == ["sub/y-2025"]


def test_nothing_is_made_in_the_output_folder_and_no_folder_before_the_first_picture(
    staging: StagingFolder, tmp_path: Path
) -> None:
    assert list(tmp_path.iterdir()) == []
    staging.save(picture(), "deep/down/x", "output", 0, {})
    assert [path.name for path in tmp_path.iterdir()] == ["staging"]


def test_drafts_come_in_the_order_written_each_with_its_node_and_none_that_no_node_ended_with(
    staging: StagingFolder,
) -> None:
    first = staging.save(picture(), "b", "output", 0, {})
    second = staging.save(picture(), "a", "temp", 1, {})
    staging.save(picture(), "lost", "output", 0, {})
    report = RunReport(file="a", status="failed", outputs={"2": [str(second)], "7": [str(first)]})
    drafts = staging.drafts(report)
    assert [(draft.file, draft.node, draft.kind, draft.batch_index) for draft in drafts] == [
        (str(first), "7", "output", 0),
        (str(second), "2", "temp", 1),
    ]
    assert drafts[0].name == "b"
    assert drafts[1].name.startswith("a_")
    assert len(drafts[1].name) == len("a_") + 5


def test_a_prefix_that_leads_out_is_refused_as_in_a_run(staging: StagingFolder, tmp_path: Path) -> None:
    with pytest.raises(NotWritten, match="leads out of"):
        staging.save(picture(), "../x", "output", 0, {})
    assert staging.disk is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("prefix", ["x" * 250, "ß" * 130, f"{'x' * 256}/y"])
def test_a_name_that_no_file_can_have_is_refused_while_its_node_runs(staging: StagingFolder, prefix: str) -> None:
    with pytest.raises(NotWritten, match="too long"):
        staging.save(picture(), prefix, "output", 0, {})
    assert staging.disk is None


def test_a_full_disk_is_told_apart_and_leaves_no_part_of_a_picture(
    staging: StagingFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotWritten, match="No space left"):
        staging.save(picture(), "x", "output", 0, {})
    assert staging.disk is not None
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    monkeypatch.undo()
    with Image.open(staging.save(picture(), "x", "output", 0, {})) as saved:
        assert saved.size == (3, 4)
