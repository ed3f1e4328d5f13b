"""Reasons in words."""

from dataclasses import replace

from engine.planning.keys import StepRecord
from engine.planning.reasons import reason

RECORD = StepRecord("Toy", "core 1", {"steps": 20}, {}, {}, "key")


def test_inputs_that_come_and_go_are_named():
    other = replace(RECORD, literals={"cfg": 1.0})
    assert reason(RECORD, other, cached=True) == "cfg added, steps removed"


def test_a_new_version_is_named():
    assert reason(RECORD, replace(RECORD, version="core 2"), cached=True) == "node version changed core 1 → core 2"


def test_a_change_that_cannot_be_named_is_still_a_change():
    assert reason(RECORD, replace(RECORD, key="other"), cached=True) == "inputs changed"


def test_another_file_by_another_name_is_a_changed_value_only():
    before = replace(RECORD, literals={"model": "a"}, files={"model": "1"})
    after = replace(RECORD, literals={"model": "b"}, files={"model": "2"})
    assert reason(before, after, cached=True) == "model changed 'a' → 'b'"
