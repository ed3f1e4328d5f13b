"""One buffer serves all layers of a type."""

import torch

from engine.inference.weights import scratch

CPU = torch.device("cpu")


def test_the_same_memory_is_handed_out_again() -> None:
    first = scratch.rows(64, 10, torch.float32, CPU)
    second = scratch.rows(32, 5, torch.float32, CPU)
    assert (first.shape, second.shape) == ((10, 64), (5, 32))
    assert first.data_ptr() == second.data_ptr()
    assert scratch.rows(64, 10, torch.bfloat16, CPU).data_ptr() != first.data_ptr()


def test_it_is_never_larger_than_needed_and_holds_at_least_one_row() -> None:
    assert scratch.rows(1024, 1 << 20, torch.float32, CPU).numel() <= scratch.CPU_VALUES
    assert scratch.rows(scratch.CPU_VALUES + 1, 5, torch.float16, CPU).shape == (1, scratch.CPU_VALUES + 1)


def test_a_buffer_made_in_inference_mode_can_be_written_outside_of_it() -> None:
    with torch.inference_mode():
        scratch.rows(8, 8, torch.float64, CPU)
    scratch.rows(8, 8, torch.float64, CPU).zero_()
