"""The same random weights in our text encoders and in transformers' give the same vectors."""

import pytest
import torch

from engine.checkpoints.families.clip import ClipSizes
from engine.checkpoints.families.t5 import T5Sizes
from engine.inference.encoders.clip import Clip
from engine.inference.encoders.contract import Taken, until
from engine.inference.encoders.t5 import T5, buckets_of
from tests.inference.random_weights import with_random_weights

END = 89
CLIP = ClipSizes(64, 3, 128, 90, 20, 1, "quick_gelu", projection=True)
T5_SIZES = T5Sizes(width=48, layers=3, feed_forward=80, heads=3, head_width=16, tokens=90, buckets=32)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_encoders_equal_those_of_transformers() -> None:
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection, T5Config, T5EncoderModel

    ids = torch.randint(0, END, (2, 20), generator=torch.Generator().manual_seed(1))
    ends = torch.tensor([12, 19])
    ids[torch.arange(2), ends] = END
    clip, tensors = with_random_weights(Clip(CLIP))
    config = CLIPTextConfig(
        vocab_size=90, hidden_size=64, intermediate_size=128, projection_dim=64, num_hidden_layers=3,
        num_attention_heads=1, max_position_embeddings=20, hidden_act="quick_gelu",
        eos_token_id=END,
    )  # fmt: skip
    theirs = CLIPTextModelWithProjection(config).eval()
    theirs.load_state_dict(tensors, strict=True)
    with torch.no_grad():
        wanted = theirs(ids, output_hidden_states=True)
        for taken in (Taken(), Taken(layer=-1), Taken(layer=-4)):
            found = clip(ids, torch.float32, ends, taken)
            torch.testing.assert_close(found.tokens, wanted.last_hidden_state, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(found.pooled, wanted.text_embeds, rtol=1e-4, atol=1e-5)
        found = clip(ids, torch.float32, ends, Taken(layer=-2, normed=False))
        torch.testing.assert_close(found.tokens, wanted.hidden_states[-2], rtol=1e-4, atol=1e-5)
        wanted = theirs(ids, attention_mask=until(ends, 20)).last_hidden_state
        found = clip(ids, torch.float32, ends, Taken(masked=True))
        torch.testing.assert_close(found.tokens, wanted, rtol=1e-4, atol=1e-5)

    t5, tensors = with_random_weights(T5(T5_SIZES))
    config = T5Config(
        vocab_size=90, d_model=48, d_kv=16, d_ff=80, num_layers=3, num_heads=3, feed_forward_proj="gated-gelu",
    )  # fmt: skip
    theirs = T5EncoderModel(config).eval()
    theirs.load_state_dict(tensors, strict=False)
    with torch.no_grad():
        for masked, mask in ((False, None), (True, until(ends, 20).long())):
            wanted = theirs(ids, attention_mask=mask).last_hidden_state
            found = t5(ids, torch.float32, ends, Taken(masked=masked))
            torch.testing.assert_close(found.tokens, wanted, rtol=1e-4, atol=1e-5)


def test_near_positions_have_their_own_bucket_and_far_ones_share() -> None:
    rows = buckets_of(torch.tensor([0, -1, 1, -7, 7, -8, -127, -128, -5000, 5000]), 32).tolist()
    assert rows[:5] == [0, 1, 17, 7, 23]
    assert rows[5] == 8
    assert rows[6:] == [15, 15, 15, 31]
