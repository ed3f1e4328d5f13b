"""Digests tell outputs of nodes apart, and nothing else."""

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch

from engine.running import digests
from engine.running.digests import digest
from schemas.sockets import FileRef

CONDITIONING = [[torch.arange(6.0).reshape(1, 2, 3), {"pooled_output": torch.ones(1, 4), "guidance": 3.5}]]

DIFFERENT: list[Any] = [
    [],
    [[]],
    [[], []],
    [[None]],
    [[0]],
    [[False]],
    [[0.0]],
    [[-0.0]],
    [[math.nan]],
    [["0"]],
    [[b"0"]],
    [["", "0"]],
    [[["0"]]],
    [[{"a": 1}]],
    [[{"a": "1"}]],
    [[{"a": {"b": 1}}]],
    [[{"a": 1, "b": 1}]],
    [[torch.zeros(4)]],
    [[torch.zeros(2, 2)]],
    [[-torch.zeros(4)]],
    [[torch.zeros(4, dtype=torch.int32)]],
    [[torch.zeros(4, dtype=torch.bfloat16)]],
    [[torch.zeros(4, dtype=torch.float16)]],
    [[torch.zeros(4, dtype=torch.float8_e4m3fn)]],
    [[torch.zeros(0)]],
    [[torch.zeros(0, 4)]],
    [[torch.zeros(2), torch.zeros(2)]],
    [[torch.tensor([0.0, 0.0, 0.0, torch.finfo(torch.float32).smallest_normal])]],
    [CONDITIONING],
    [[[CONDITIONING[0][0], {"pooled_output": torch.ones(1, 4), "guidance": 3.6}]]],
]


def test_whatever_differs_has_another_digest() -> None:
    found = [digest(each) for each in DIFFERENT]
    assert all(each is not None and len(each) == 16 and int(each, 16) >= 0 for each in found)
    assert [(a, b) for (a, one), (b, other) in combinations(enumerate(found), 2) if one == other] == []


def test_the_order_of_a_dictionary_the_strides_and_the_gradient_of_a_tensor_do_not_count() -> None:
    tensor = torch.arange(6.0).reshape(2, 3)
    assert digest([[{"a": 1, "b": tensor}]]) == digest([({"b": tensor.t().contiguous().t(), "a": 1},)])
    assert digest([[tensor]]) == digest([[tensor.clone().requires_grad_()]])
    assert digest([[tensor[1:]]]) == digest([[torch.tensor([[3.0, 4.0, 5.0]])]])


def test_an_array_is_as_good_as_a_tensor() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert digest([[array]]) == digest([[torch.from_numpy(array)]]) == digest([[np.asfortranarray(array)]])


def test_a_digest_is_the_same_in_every_process() -> None:
    assert digest([[{"samples": torch.arange(3.0)}], ["a", 1, 2.5, True, None]]) == "dc405a5c3c49f2ea"


@pytest.mark.parametrize(
    "value",
    [
        FileRef("vae", "ae.safetensors", "/ae.safetensors", "abc"),
        object(),
        {1: 2},
        {"a": {1, 2}},
        torch.zeros(2, device="meta"),
        torch.eye(2).to_sparse(),
        torch.zeros((digests.LARGEST + 4) // 4),
        [torch.zeros(digests.LARGEST // 8), torch.zeros(digests.LARGEST // 8 + 1)],
    ],
    ids=["recipe", "object", "numbers as keys", "set", "meta", "sparse", "too large", "too large together"],
)
def test_what_cannot_be_compared_has_none(value: Any) -> None:
    assert digest([[value]]) is None


def test_what_holds_itself_has_none() -> None:
    held: list[Any] = []
    held.append(held)
    assert digest([held]) is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_device_does_not_count() -> None:
    tensor = torch.arange(6.0, dtype=torch.bfloat16)
    assert digest([[tensor.cuda()]]) == digest([[tensor]])
