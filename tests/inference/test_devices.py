"""What is computed where and in what type, and what a device says of its memory; the CUDA calls are faked."""

from collections.abc import Iterator

import pytest
import torch

from engine.inference import devices
from tests.inference.stand_in import StandInContext

GIB = 1 << 30
CUDA = torch.device("cuda:0")


@pytest.fixture
def _threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_threads_as_before")
def test_the_users_number_of_threads_is_used_on_a_cpu() -> None:
    context = StandInContext()
    context.threads = 2
    devices.prepare(context, torch.device("cpu"))
    assert torch.get_num_threads() == 2
    context.threads = None
    devices.prepare(context, torch.device("cpu"))
    assert torch.get_num_threads() == 2


def test_a_cuda_device_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (5 * GIB, 24 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 3 * GIB)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 2 * GIB)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 7 * GIB)
    context = StandInContext("cuda:0")
    devices.prepare(context, CUDA)
    assert devices.CudaMeter(CUDA).free() == 5 * GIB + 1 * GIB - devices.ROOM_TO_COMPUTE
    assert context.ledger.peak("cuda:0") == 7 * GIB


@pytest.mark.parametrize(
    ("asked", "device", "network", "autoencoder"),
    [
        ("auto", "cpu", torch.float32, torch.float32),
        ("auto", "cuda:0", torch.bfloat16, torch.bfloat16),
        ("fp16", "cuda:0", torch.float16, torch.float32),
        ("bf16", "cpu", torch.bfloat16, torch.bfloat16),
    ],
)
def test_what_is_computed_in(asked: str, device: str, network: torch.dtype, autoencoder: torch.dtype) -> None:
    context = StandInContext(device, asked)
    assert devices.network_dtype(context, devices.device_of(context)) is network
    assert devices.autoencoder_dtype(context, devices.device_of(context)) is autoencoder


def test_a_text_encoder_may_be_kept_on_the_cpu() -> None:
    context = StandInContext("cuda:0")
    assert devices.device_of(context, "cpu").type == "cpu"
    assert devices.device_of(context).type == "cuda"
