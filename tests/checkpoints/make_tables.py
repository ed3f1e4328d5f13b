"""Write the key tables in `tables/`: names, types and shapes of published files, without a single weight.

    python -m tests.checkpoints.make_tables real              # needs diffusers and transformers
    python -m tests.checkpoints.make_tables strangers         # needs diffusers
    python -m tests.checkpoints.make_tables tiny MODELS_DIR   # MODELS_DIR: as tests/models/make_models.py writes it

`real`: BFL and ldm layouts are written out here from the published architectures; Hugging Face and diffusers layouts
are what those libraries build from the published configurations. `strangers`: models of diffusers that resemble ours.
`tiny`: the layouts of families that we only name, from the maker of tiny models.
"""

import json
import re
import sys
from pathlib import Path

Table = dict[str, tuple[str, tuple[int, ...]]]

TABLES = Path(__file__).with_name("tables")
HIDDEN, TEXT, POOLED, MLP, HEAD = 3072, 4096, 768, 12288, 128


def linear(table: Table, key: str, n_in: int, n_out: int, dtype: str = "bf16") -> None:
    table[f"{key}.weight"] = (dtype, (n_out, n_in))
    table[f"{key}.bias"] = (dtype, (n_out,))


def flux(guided: bool, in_channels: int = 64, dtype: str = "bf16") -> Table:
    """black-forest-labs/flux: 19 double and 38 single blocks."""
    table: Table = {}
    linear(table, "img_in", in_channels, HIDDEN, dtype)
    linear(table, "txt_in", TEXT, HIDDEN, dtype)
    for name, width in (("time_in", 256), ("vector_in", POOLED), *((("guidance_in", 256),) if guided else ())):
        linear(table, f"{name}.in_layer", width, HIDDEN, dtype)
        linear(table, f"{name}.out_layer", HIDDEN, HIDDEN, dtype)
    for number in range(19):
        for stream in ("img", "txt"):
            block = f"double_blocks.{number}.{stream}"
            linear(table, f"{block}_mod.lin", HIDDEN, 6 * HIDDEN, dtype)
            linear(table, f"{block}_attn.qkv", HIDDEN, 3 * HIDDEN, dtype)
            for norm in ("query", "key"):
                table[f"{block}_attn.norm.{norm}_norm.scale"] = (dtype, (HEAD,))
            linear(table, f"{block}_attn.proj", HIDDEN, HIDDEN, dtype)
            linear(table, f"{block}_mlp.0", HIDDEN, MLP, dtype)
            linear(table, f"{block}_mlp.2", MLP, HIDDEN, dtype)
    for number in range(38):
        block = f"single_blocks.{number}"
        linear(table, f"{block}.modulation.lin", HIDDEN, 3 * HIDDEN, dtype)
        linear(table, f"{block}.linear1", HIDDEN, 3 * HIDDEN + MLP, dtype)
        linear(table, f"{block}.linear2", HIDDEN + MLP, HIDDEN, dtype)
        for norm in ("query", "key"):
            table[f"{block}.norm.{norm}_norm.scale"] = (dtype, (HEAD,))
    linear(table, "final_layer.adaLN_modulation.1", HIDDEN, 2 * HIDDEN, dtype)
    linear(table, "final_layer.linear", HIDDEN, 64, dtype)
    return table


def conv(table: Table, key: str, n_in: int, n_out: int, size: int) -> None:
    table[f"{key}.weight"] = ("fp32", (n_out, n_in, size, size))
    table[f"{key}.bias"] = ("fp32", (n_out,))


def norm(table: Table, key: str, width: int) -> None:
    table[f"{key}.weight"] = table[f"{key}.bias"] = ("fp32", (width,))


def residual(table: Table, key: str, n_in: int, n_out: int) -> None:
    norm(table, f"{key}.norm1", n_in)
    conv(table, f"{key}.conv1", n_in, n_out, 3)
    norm(table, f"{key}.norm2", n_out)
    conv(table, f"{key}.conv2", n_out, n_out, 3)
    if n_in != n_out:
        conv(table, f"{key}.nin_shortcut", n_in, n_out, 1)


def middle(table: Table, key: str, width: int) -> None:
    residual(table, f"{key}.block_1", width, width)
    norm(table, f"{key}.attn_1.norm", width)
    for part in ("q", "k", "v", "proj_out"):
        conv(table, f"{key}.attn_1.{part}", width, width, 1)
    residual(table, f"{key}.block_2", width, width)


def autoencoder(latent: int, quant: bool) -> Table:
    """The ldm autoencoder: 128 channels, multipliers 1, 2, 4, 4, two residual blocks per level."""
    table: Table = {}
    widths = (128, 256, 512, 512)
    conv(table, "encoder.conv_in", 3, 128, 3)
    width = 128
    for level, after in enumerate(widths):
        for number in range(2):
            residual(table, f"encoder.down.{level}.block.{number}", width, after)
            width = after
        if level < 3:
            conv(table, f"encoder.down.{level}.downsample.conv", width, width, 3)
    middle(table, "encoder.mid", width)
    norm(table, "encoder.norm_out", width)
    conv(table, "encoder.conv_out", width, 2 * latent, 3)
    conv(table, "decoder.conv_in", latent, width, 3)
    middle(table, "decoder.mid", width)
    for level in reversed(range(4)):
        for number in range(3):
            residual(table, f"decoder.up.{level}.block.{number}", width, widths[level])
            width = widths[level]
        if level:
            conv(table, f"decoder.up.{level}.upsample.conv", width, width, 3)
    norm(table, "decoder.norm_out", width)
    conv(table, "decoder.conv_out", width, 3, 3)
    if quant:
        conv(table, "quant_conv", 2 * latent, 2 * latent, 1)
        conv(table, "post_quant_conv", latent, latent, 1)
    return table


def of_module(module: object, dtype: str) -> Table:
    """A library's own names and shapes; buffers that files do not carry are left out."""
    state = module.state_dict()  # type: ignore[attr-defined]
    return {name: (dtype, tuple(tensor.shape)) for name, tensor in state.items() if not name.endswith("position_ids")}


def with_dtype(table: Table, dtype: str) -> Table:
    return {name: (dtype, shape) for name, (_, shape) in table.items()}


def prefixed(table: Table, prefix: str) -> Table:
    return {prefix + name: entry for name, entry in table.items()}


def scaled(table: Table, kept: tuple[str, ...]) -> Table:
    """The "fp8 scaled" layout: matrices in fp8 with a scale beside each, and a marker."""
    out: Table = {"scaled_fp8": ("fp8_e4m3fn", (0,))}
    for name, (dtype, shape) in table.items():
        packed = name.endswith(".weight") and len(shape) == 2 and not any(part in name for part in kept)
        out[name] = ("fp8_e4m3fn" if packed else dtype, shape)
        if packed:
            out[name.removesuffix("weight") + "scale_weight"] = ("fp32", ())
    return out


def transformers_tables() -> dict[str, Table]:
    """CLIP-L, CLIP-G and T5-XXL from their published configurations."""
    import torch
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection, T5Config, T5EncoderModel

    with torch.device("meta"):
        large = CLIPTextModelWithProjection(
            CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_attention_heads=12, projection_dim=768)
        )
        giant = CLIPTextModelWithProjection(
            CLIPTextConfig(
                hidden_size=1280,
                intermediate_size=5120,
                num_hidden_layers=32,
                num_attention_heads=20,
                projection_dim=1280,
                hidden_act="gelu",
            )
        )
        t5 = T5EncoderModel(
            T5Config(d_model=4096, d_kv=64, d_ff=10240, num_layers=24, num_heads=64, feed_forward_proj="gated-gelu")
        )
    xxl = {name: entry for name, entry in of_module(t5, "fp16").items() if name != "encoder.embed_tokens.weight"}
    return {"clip_l": of_module(large, "fp16"), "clip_g": of_module(giant, "fp16"), "t5xxl": xxl}


def diffusers_tables() -> dict[str, Table]:
    """Flux and its autoencoder in diffusers layout."""
    import torch
    from diffusers import AutoencoderKL, FluxTransformer2DModel

    with torch.device("meta"):
        model = FluxTransformer2DModel(guidance_embeds=True)
        vae = AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            latent_channels=16,
            use_quant_conv=False,
            use_post_quant_conv=False,
        )
    return {"flux_dev_diffusers": of_module(model, "bf16"), "flux_vae_diffusers": of_module(vae, "bf16")}


def llama_cpp(t5: Table) -> Table:
    """llama.cpp's names, matrices as Q8_0."""
    parts = {
        "layer.0.SelfAttention.q": "attn_q",
        "layer.0.SelfAttention.k": "attn_k",
        "layer.0.SelfAttention.v": "attn_v",
        "layer.0.SelfAttention.o": "attn_o",
        "layer.0.SelfAttention.relative_attention_bias": "attn_rel_b",
        "layer.0.layer_norm": "attn_norm",
        "layer.1.DenseReluDense.wi_0": "ffn_gate",
        "layer.1.DenseReluDense.wi_1": "ffn_up",
        "layer.1.DenseReluDense.wo": "ffn_down",
        "layer.1.layer_norm": "ffn_norm",
    }
    names = {"shared.weight": "token_embd.weight", "encoder.final_layer_norm.weight": "enc.output_norm.weight"}
    out: Table = {}
    for name, (_, shape) in t5.items():
        if name not in names:
            number, rest = name.removeprefix("encoder.block.").split(".", 1)
            names[name] = f"enc.blk.{number}.{parts[rest.removesuffix('.weight')]}.weight"
        packed = len(shape) == 2 and "relative" not in name
        out[names[name]] = ("gguf:Q8_0" if packed else "fp32" if len(shape) == 1 else "fp16", shape)
    return out


def real() -> dict[str, Table]:
    """Tables of published files, by table name."""
    text, vae = transformers_tables(), autoencoder(16, quant=False)
    marks = {f"text_encoders.{name}.logit_scale": ("fp16", ()) for name in ("clip_l", "t5xxl")}
    all_in_one = {
        **prefixed(flux(guided=True, dtype="fp8_e4m3fn"), "model.diffusion_model."),
        **prefixed(text["clip_l"], "text_encoders.clip_l.transformer."),
        **prefixed(with_dtype(text["t5xxl"], "fp8_e4m3fn"), "text_encoders.t5xxl.transformer."),
        **prefixed(vae, "vae."),
        **marks,
    }
    embedding = {"encoder.embed_tokens.weight": ("fp8_e4m3fn", text["t5xxl"]["shared.weight"][1])}
    kept = ("img_in", "txt_in", "time_in", "vector_in", "guidance_in", "final_layer")
    return {
        "flux_dev": flux(guided=True),
        "flux_schnell": flux(guided=False),
        "flux_fill": flux(guided=True, in_channels=384),
        "flux_dev_fp8_all_in_one": all_in_one,
        "flux_kontext_fp8_scaled": scaled(flux(guided=True), kept),
        "clip_l": text["clip_l"],
        "clip_g": text["clip_g"],
        "t5xxl_fp16": text["t5xxl"],
        "t5xxl_fp8": {**with_dtype(text["t5xxl"], "fp8_e4m3fn"), **embedding},
        "t5xxl_fp8_scaled": scaled(text["t5xxl"], ("shared.", "relative_attention_bias")),
        "t5xxl_llama_cpp": llama_cpp(text["t5xxl"]),
        "flux_vae": vae,
        "sd_vae": autoencoder(4, quant=True),
        **diffusers_tables(),
    }


STRANGERS = (
    "SD3Transformer2DModel",
    "QwenImageTransformer2DModel",
    "ChromaTransformer2DModel",
    "Flux2Transformer2DModel",
    "AuraFlowTransformer2DModel",
    "HunyuanVideoTransformer3DModel",
    "Lumina2Transformer2DModel",
    "PixArtTransformer2DModel",
    "WanTransformer3DModel",
    "UNet2DConditionModel",
    "FluxControlNetModel",
    "AutoencoderKLWan",
    "AutoencoderKLHunyuanVideo",
    "AutoencoderTiny",
    "VQModel",
)
"""Classes of diffusers whose layouts resemble ours, and which no detector of ours may claim."""


def strangers() -> dict[str, Table]:
    """The first two blocks of each stranger."""
    import diffusers
    import torch

    tables = {}
    for name in STRANGERS:
        with torch.device("meta"):
            module = getattr(diffusers, name)()
        first = {
            key: entry for key, entry in of_module(module, "bf16").items() if not re.search(r"\.([2-9]|\d\d+)\.", key)
        }
        tables[f"stranger_{name}"] = first
    return tables


TINY = {
    "sd15": "checkpoints/v1-5-pruned-emaonly-fp16.safetensors",
    "sdxl": "checkpoints/sd_xl_base_1.0.safetensors",
    "sd3": "checkpoints/sd3_medium_incl_clips.safetensors",
    "lora_flux_kohya": "loras/flux_kohya.safetensors",
    "lora_flux_peft": "loras/flux_peft.safetensors",
    "lora_flux_control": "loras/flux1-depth-dev-lora.safetensors",
    "lora_flux_xlabs": "xlabs/loras/flux_xlabs.safetensors",
    "lora_sd15": "loras/sd15_kohya_b.safetensors",
    "lora_sdxl": "loras/sdxl_kohya.safetensors",
    "lora_sd3": "loras/sd3_peft.safetensors",
    "controlnet_flux": "controlnet/flux-instantx-union.safetensors",
    "controlnet_flux_xlabs": "controlnet/flux-xlabs-canny.safetensors",
    "controlnet_sd15": "controlnet/control_v11p_sd15_canny_fp16.safetensors",
    "clip_vision": "clip_vision/clip_vision_l.safetensors",
    "siglip": "clip_vision/sigclip_vision_patch14_384.safetensors",
    "redux": "style_models/flux1-redux-dev.safetensors",
    "ip_adapter": "ipadapter/ip-adapter-plus_sd15.safetensors",
    "ip_adapter_xlabs": "xlabs/ipadapters/ip_adapter.safetensors",
    "esrgan": "upscale_models/4x_tiny_esrgan.safetensors",
    "embedding": "embeddings/tiny_neg.safetensors",
    "embedding_sdxl": "embeddings/tiny_xl.safetensors",
}


def tiny(models: Path) -> dict[str, Table]:
    """Tables of tiny files, by table name; shapes as they are stored."""
    from engine.checkpoints.index import read

    return {
        name: {key: (tensor.dtype, tensor.shape) for key, tensor in read(models / path).tensors.items()}
        for name, path in TINY.items()
    }


def main() -> None:
    """Write the tables named on the command line, one key a line."""
    TABLES.mkdir(exist_ok=True)
    made = {"real": real, "strangers": strangers}[sys.argv[1]]() if len(sys.argv) == 2 else tiny(Path(sys.argv[2]))
    for name, table in made.items():
        lines = [f"{json.dumps(key)}: {json.dumps([dtype, list(shape)])}" for key, (dtype, shape) in table.items()]
        (TABLES / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
