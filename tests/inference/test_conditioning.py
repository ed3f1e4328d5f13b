import torch

from engine.inference import conditioning

GIVEN = [[torch.ones(1, 3, 4), {"pooled_output": torch.ones(1, 2), "guidance": 3.5}]]


def test_values_are_set_in_a_copy_with_the_same_tokens() -> None:
    ((tokens, options),) = conditioning.set_values(GIVEN, {"guidance": None})

    assert tokens is GIVEN[0][0]
    assert options["guidance"] is None
    assert GIVEN[0][1]["guidance"] == 3.5


def test_zeroing_reaches_tokens_and_pooled_vector_and_leaves_other_options() -> None:
    ((tokens, options),) = conditioning.zero_out(GIVEN)

    assert not tokens.any()
    assert not options["pooled_output"].any()
    assert options["guidance"] == 3.5
    assert GIVEN[0][1]["pooled_output"].all()
