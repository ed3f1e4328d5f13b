"""Devices for each worker."""

import pytest

from engine import accelerators
from engine.errors import GraphInvalid
from engine.working import devices


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerators, "cuda_devices", lambda: 2)
    monkeypatch.setattr(accelerators, "torch_has_cuda", lambda: True)


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_workers_go_round_the_gpus(two_gpus: None, device: str) -> None:
    assert devices.each(device, 3) == ["cuda:0", "cuda:1", "cuda:0"]


@pytest.mark.parametrize("device", ["cuda:1", "cpu"])
def test_a_device_that_was_picked_is_everybodys(two_gpus: None, device: str) -> None:
    assert devices.each(device, 2) == [device, device]


def test_a_machine_without_gpus_computes_on_its_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerators, "cuda_devices", lambda: 0)
    monkeypatch.setattr(accelerators, "has_metal", lambda: False)
    assert devices.each("auto", 2) == ["cpu", "cpu"]
    with pytest.raises(GraphInvalid):
        devices.each("cuda:1", 2)
