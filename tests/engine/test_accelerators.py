"""The device is chosen without torch, and one that cannot be had is refused before anything runs."""

from pathlib import Path

import pytest

from engine import accelerators
from engine.errors import GraphInvalid


@pytest.fixture
def _two_cuda_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerators, "torch_has_cuda", lambda: True)
    monkeypatch.setattr(accelerators, "cuda_devices", lambda: 2)
    monkeypatch.setattr(accelerators, "has_metal", lambda: False)


@pytest.mark.usefixtures("_two_cuda_devices")
@pytest.mark.parametrize(
    ("wanted", "device"), [("auto", "cuda:0"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1"), ("cpu", "cpu")]
)
def test_a_device_has_a_number(wanted: str, device: str) -> None:
    assert accelerators.resolve(wanted) == device


@pytest.mark.usefixtures("_two_cuda_devices")
@pytest.mark.parametrize(("wanted", "said"), [("cuda:2", "shows 2 devices"), ("mps", "no Metal")])
def test_a_device_that_is_not_there_is_refused(wanted: str, said: str) -> None:
    with pytest.raises(GraphInvalid, match=said) as caught:
        accelerators.resolve(wanted)
    assert caught.value.problems[0].code == "bad-setting"


def test_without_accelerators_auto_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerators, "cuda_devices", lambda: 0)
    monkeypatch.setattr(accelerators, "has_metal", lambda: False)
    assert accelerators.resolve("auto") == "cpu"


@pytest.mark.parametrize(
    ("text", "has_cuda"),
    [
        ("cuda: Optional[str] = None\nhip: Optional[str] = None\n", False),
        ("__version__ = '2.13.0'\ncuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n", True),
        ("cuda = None\nhip: Optional[str] = '7.1'\n", True),
        ("", False),
    ],
)
def test_what_torch_is_built_for_is_read_from_its_version_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, has_cuda: bool
) -> None:
    (tmp_path / "version.py").write_text(text)
    monkeypatch.setattr(accelerators, "torch_folder", lambda: tmp_path)
    accelerators.torch_has_cuda.cache_clear()
    try:
        assert accelerators.torch_has_cuda() is has_cuda
    finally:
        accelerators.torch_has_cuda.cache_clear()
