"""Llama's layers are those of transformers, whichever way a file orders the rows of queries and keys."""

from dataclasses import replace

import pytest
import torch

from engine.checkpoints.families.llama import LlamaSizes
from engine.inference.encoders.contract import Taken, until
from engine.inference.encoders.llama import Llama, halved
from engine.inference.weights.assembly import Terms, assemble
from engine.inference.weights.stored import plain
from tests.inference.random_weights import random_tensors, with_random_weights

SIZES = LlamaSizes(width=48, layers=3, feed_forward=80, heads=4, shared_heads=2, tokens=90, paired=False)
IDS = torch.randint(0, 90, (2, 20), generator=torch.Generator().manual_seed(1))
ENDS = torch.tensor([12, 19])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_all_layers_equal_those_of_transformers() -> None:
    from transformers import LlamaConfig, LlamaModel

    ours, tensors = with_random_weights(Llama(SIZES))
    config = LlamaConfig(
        vocab_size=90, hidden_size=48, intermediate_size=80, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, head_dim=128, rms_norm_eps=1e-5, attn_implementation="eager",
        rope_parameters={"rope_type": "default", "rope_theta": 500_000.0},
    )  # fmt: skip
    theirs = LlamaModel(config).eval()
    theirs.load_state_dict({name.removeprefix("model."): tensor for name, tensor in tensors.items()}, strict=True)
    with torch.no_grad():
        wanted = theirs(IDS, attention_mask=until(ENDS, 20).long(), output_hidden_states=True).hidden_states
        found = ours(IDS, torch.float32, ENDS, Taken(masked=True)).tokens
    torch.testing.assert_close(found, torch.stack(wanted, dim=1), rtol=1e-4, atol=1e-5)


def test_rows_in_llama_cpps_order_give_the_same() -> None:
    ours, _ = with_random_weights(Llama(SIZES))
    tensors = random_tensors(ours)
    for number in range(SIZES.layers):
        for name in ("q_proj", "k_proj"):
            rows = tensors[f"model.layers.{number}.self_attn.{name}.weight"]
            rows.copy_(rows.reshape(-1, 2, 64, 48).swapaxes(1, 2).reshape(rows.shape).clone())
    paired = Llama(replace(SIZES, paired=True))
    assemble(paired, plain(tensors), "llama.gguf", Terms(torch.float32))
    answers = [each(IDS, torch.float32, ENDS, Taken()).tokens for each in (ours, paired)]
    torch.testing.assert_close(answers[0], answers[1], rtol=0, atol=1e-6)
    assert halved(torch.tensor([0, 64, 1, 65])).tolist() == [0, 1, 64, 65]


def test_what_is_masked_changes_no_word() -> None:
    ours, _ = with_random_weights(Llama(SIZES))
    changed = IDS.clone()
    changed[0, 13:] = 5
    kept, other = (ours(ids, torch.float32, ENDS, Taken(masked=True)).tokens for ids in (IDS, changed))
    assert torch.equal(kept[:, :, :13], other[:, :, :13])
    assert torch.equal(kept[1], other[1])
