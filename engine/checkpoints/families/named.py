"""Families that this version names but does not run, so that a message can say what a file is instead.

Each is told by a few keys that no other family has. Whoever teaches the program one of them moves it to its own file.
"""

from collections.abc import Iterable

from engine.checkpoints.families.family import Family

SD_FIRST_ATTENTION = "input_blocks.1.1.proj_in.weight"
SD_SECOND_ATTENTION = "input_blocks.4.1.proj_in.weight"
SD_UNET = ("input_blocks.0.0.weight", "time_embed.0.weight", "out.2.weight")


def named(kind: str, title: str, *evidence: str, absent: tuple[str, ...] = ()) -> Family:
    """A family told by keys alone."""
    return Family(kind=kind, title=title, layout="", evidence=evidence, absent=absent)


FAMILIES = (
    Family(
        kind="sd15",
        title="an SD 1.x model",
        layout="ldm",
        evidence=(SD_FIRST_ATTENTION, *SD_UNET),
        absent=("label_emb.0.0.weight",),
        fits=lambda view: len(view.shape_of(view.prefix + SD_FIRST_ATTENTION)) == 4,
    ),
    Family(
        kind="sd2",
        title="an SD 2.x model",
        layout="ldm",
        evidence=(SD_FIRST_ATTENTION, *SD_UNET),
        fits=lambda view: len(view.shape_of(view.prefix + SD_FIRST_ATTENTION)) == 2,
    ),
    named(
        "sdxl",
        "an SDXL model",
        SD_SECOND_ATTENTION,
        "label_emb.0.0.weight",
        *SD_UNET,
        absent=(SD_FIRST_ATTENTION,),
    ),
    named("sd3", "an SD3 model", "joint_blocks.0.context_block.attn.qkv.weight", "x_embedder.proj.weight"),
    named(
        "unet",
        "a U-Net in diffusers layout",
        "down_blocks.0.resnets.0.time_emb_proj.weight",
        "time_embedding.linear_1.weight",
        "conv_out.weight",
    ),
    named(
        "chroma",
        "a Chroma model",
        "distilled_guidance_layer.norms.0.scale",
        "double_blocks.0.img_attn.norm.key_norm.scale",
    ),
    named(
        "chroma",
        "a Chroma model",
        "distilled_guidance_layer.0.norms.0.scale",
        "double_blocks.0.img_attn.norm.key_norm.scale",
    ),
    named("flux2", "a Flux.2 model", "double_stream_modulation_img.lin.weight", "img_in.weight"),
    named("hunyuan_video", "a Hunyuan model", "txt_in.individual_token_refiner.blocks.0.norm1.weight"),
    named("hunyuan_dit", "a Hunyuan-DiT model", "mlp_t5.0.weight"),
    named("aura_flow", "an AuraFlow model", "double_layers.0.attn.w1q.weight"),
    named("pixart", "a PixArt model", "t_block.1.weight"),
    named("ltxv", "an LTX-Video model", "patchify_proj.weight", "adaln_single.emb.timestep_embedder.linear_1.bias"),
    named("qwen_image", "a Qwen-Image model", "txt_norm.weight", "img_in.weight"),
    named("lumina2", "a Lumina 2 or Z-Image model", "cap_embedder.1.weight"),
    named("wan", "a Wan model", "head.modulation", "patch_embedding.weight"),
    named("hidream", "a HiDream model", "caption_projection.0.linear.weight"),
    named("cosmos", "a Cosmos model", "blocks.block0.blocks.0.block.attn.to_q.0.weight"),
    named("cosmos2", "a Cosmos 2 model", "blocks.0.mlp.layer1.weight"),
    named("mochi", "a Mochi model", "t5_yproj.weight"),
    named("stable_cascade", "a Stable Cascade model", "clf.1.weight"),
    named("omnigen2", "an OmniGen 2 model", "time_caption_embed.timestep_embedder.linear_1.bias"),
    named("controlnet", "an SD ControlNet", "input_hint_block.0.weight", "zero_convs.0.0.weight"),
    named("controlnet", "a ControlNet in diffusers layout", "controlnet_cond_embedding.conv_in.weight"),
    named("controlnet", "a Flux ControlNet", "controlnet_x_embedder.weight", "controlnet_blocks.0.weight"),
    named("controlnet", "a Flux ControlNet (XLabs)", "pos_embed_input.weight", "controlnet_blocks.0.weight"),
    named("upscaler", "an up-scaling model (ESRGAN)", "model.1.sub.0.RDB1.conv1.0.weight"),
    named("upscaler", "an up-scaling model (ESRGAN)", "body.0.rdb1.conv1.weight"),
    named("clip_vision", "a CLIP vision model", "vision_model.encoder.layers.0.mlp.fc1.weight"),
    named("clip_vision", "a CLIP vision model", "visual.transformer.resblocks.0.attn.in_proj_weight"),
    named("style_model", "a style model (Redux)", "redux_up.weight", "redux_down.weight"),
    named("style_model", "a style model", "style_embedding"),
    named("ip_adapter", "an IP-Adapter", "ip_adapter.1.to_k_ip.weight"),
    named("ip_adapter", "an IP-Adapter (XLabs)", "ip_adapter_proj_model.proj.weight"),
    named("taesd", "a tiny autoencoder (TAESD)", "taesd_decoder.1.weight"),
    named("video_vae", "a video VAE", "decoder.conv_in.conv.weight"),
    named("video_vae", "a video VAE", "decoder.middle.0.residual.0.gamma"),
    named(
        "umt5",
        "a UMT5 text encoder",
        "encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight",
        "encoder.block.0.layer.1.DenseReluDense.wi_1.weight",
    ),
    named("t5_old", "a T5 v1.0 text encoder", "encoder.block.0.layer.1.DenseReluDense.wi.weight"),
    named("language_model", "a language model", "model.layers.0.self_attn.q_proj.weight"),
    named("language_model", "a language model", "blk.0.attn_q.weight", "token_embd.weight"),
    named("embedding", "a textual-inversion embedding", "emb_params"),
    named("embedding", "a textual-inversion embedding", "string_to_param.*"),
    named("embedding", "a textual-inversion embedding for SDXL", "clip_g", "clip_l"),
)

ADAPTER_ENDINGS = (
    ".lora_down.weight",
    ".lora_up.weight",
    "_lora.up.weight",
    ".lora_A",
    ".lora_A.weight",
    ".lora_B.weight",
    ".lora.down.weight",
    ".lora_linear_layer.down.weight",
    ".lora_A.default.weight",
    ".hada_w1_a",
    ".lokr_w1",
    ".lokr_w1_a",
    ".oft_blocks",
    ".dora_scale",
    ".diff",
    ".diff_b",
    ".a1.weight",
)
XLABS_ADAPTER = ".processor.qkv_lora1.down.weight"

ADAPTER_TARGETS = (
    ("a LoRA for Flux", ("double_blocks", "single_transformer_blocks")),
    (
        "a LoRA for SDXL",
        ("lora_te2_", "input_blocks_4_1_transformer_blocks_1", "down_blocks_2_attentions_0_transformer_blocks_9"),
    ),
    ("a LoRA for SD3", ("joint_blocks", "transformer.transformer_blocks.0.attn.to_q")),
    ("a LoRA for Wan", ("blocks.0.cross_attn", "blocks_0_cross_attn")),
    ("a LoRA for Qwen-Image", ("transformer_blocks.0.img_mlp", "transformer_blocks_0_img_mlp")),
    ("a LoRA for a Stable Diffusion U-Net", ("lora_unet_down_blocks", "lora_unet_input_blocks", "unet.down_blocks")),
)
"""What a LoRA is for: a title, and parts of names of which one is enough. The first that fits counts."""


def adapter(names: Iterable[str]) -> tuple[str, str] | None:
    """What a file of low-rank adapters is for, and the name that shows it is one; None if it is no such file."""
    names = tuple(names)
    shown = next((name for name in names if name.endswith((*ADAPTER_ENDINGS, XLABS_ADAPTER))), None)
    if shown is None:
        return None
    for title, marks in ADAPTER_TARGETS:
        if any(mark in name for name in names for mark in marks):
            return title, shown
    return "a LoRA", shown
