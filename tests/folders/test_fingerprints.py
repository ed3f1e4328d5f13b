"""Fingerprints change with the content and cost nothing the second time."""

import os
from pathlib import Path

import pytest

from engine.folders import fingerprint, fingerprints

LONG_AGO = 1_600_000_000_000_000_000


def aged(path: Path, time: int = LONG_AGO) -> Path:
    os.utime(path, ns=(time, time))
    return path


def test_equal_content_has_equal_fingerprints_whatever_the_time(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"weights")
    (tmp_path / "b").write_bytes(b"weights")
    aged(tmp_path / "b")
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b")
    assert fingerprint(tmp_path / "a").startswith("blake2b:")


def test_changed_content_of_equal_size_and_time_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    before = fingerprint(aged(path))
    path.write_bytes(b"two")
    assert fingerprint(aged(path)) != before


def test_a_settled_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"weights")
    monkeypatch.setattr(fingerprints, "SETTLED_NS", -1)
    first = fingerprint(path)
    monkeypatch.setattr(fingerprints, "_whole", lambda path: pytest.fail("read again"))
    assert fingerprint(path) == first


def test_large_files_are_sampled_and_their_samples_cover_both_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "WHOLE_UP_TO", 1000)
    monkeypatch.setattr(fingerprints, "SAMPLES", 4)
    monkeypatch.setattr(fingerprints, "SAMPLE_BYTES", 16)
    path = tmp_path / "a"
    content = bytearray(2000)
    path.write_bytes(content)
    found = {fingerprint(aged(path))}
    assert next(iter(found)).startswith("sampled:")
    for at in (0, 1999, 15, 1984):
        changed = content.copy()
        changed[at] = 1
        path.write_bytes(changed)
        found.add(fingerprint(aged(path)))
    assert len(found) == 5


def test_a_sampled_fingerprint_changes_with_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "WHOLE_UP_TO", 10)
    path = tmp_path / "a"
    path.write_bytes(bytes(100_000))
    assert fingerprint(aged(path)) != fingerprint(aged(path, LONG_AGO + 1))
