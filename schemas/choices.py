"""Closed lists of names that nodes offer, in ComfyUI's order."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.widgets import Widget

SamplerName = Annotated[
    Literal[
        "euler",
        "euler_cfg_pp",
        "euler_ancestral",
        "euler_ancestral_cfg_pp",
        "heun",
        "heunpp2",
        "dpm_2",
        "dpm_2_ancestral",
        "lms",
        "dpm_fast",
        "dpm_adaptive",
        "dpmpp_2s_ancestral",
        "dpmpp_2s_ancestral_cfg_pp",
        "dpmpp_sde",
        "dpmpp_sde_gpu",
        "dpmpp_2m",
        "dpmpp_2m_cfg_pp",
        "dpmpp_2m_sde",
        "dpmpp_2m_sde_gpu",
        "dpmpp_2m_sde_heun",
        "dpmpp_2m_sde_heun_gpu",
        "dpmpp_3m_sde",
        "dpmpp_3m_sde_gpu",
        "ddpm",
        "lcm",
        "ipndm",
        "ipndm_v",
        "deis",
        "res_multistep",
        "res_multistep_cfg_pp",
        "res_multistep_ancestral",
        "res_multistep_ancestral_cfg_pp",
        "gradient_estimation",
        "gradient_estimation_cfg_pp",
        "er_sde",
        "seeds_2",
        "seeds_3",
        "sa_solver",
        "sa_solver_pece",
        "ddim",
        "uni_pc",
        "uni_pc_bh2",
    ],
    Widget("COMBO"),
]
"""Samplers by name."""

ScheduleName = Annotated[
    Literal[
        "simple",
        "sgm_uniform",
        "karras",
        "exponential",
        "ddim_uniform",
        "beta",
        "normal",
        "linear_quadratic",
        "kl_optimal",
    ],
    Widget("COMBO"),
]
"""How noise falls over the steps, by name."""

WeightDtype = Annotated[
    Literal[
        "default",
        "fp8_e4m3fn",
        "fp8_e4m3fn_fast",
        "fp8_e5m2",
    ],
    Widget("COMBO"),
]
"""UNETLoader's storage of the weights."""

DualClipType = Annotated[
    Literal[
        "sdxl",
        "sd3",
        "flux",
        "hunyuan_video",
        "hidream",
        "hunyuan_image",
    ],
    Widget("COMBO", unavailable=("hunyuan_video", "hunyuan_image")),
]
"""What DualCLIPLoader's two encoders are joined for."""

ClipType = Annotated[
    Literal[
        "stable_diffusion",
        "stable_cascade",
        "sd3",
        "stable_audio",
        "mochi",
        "ltxv",
        "pixart",
        "cosmos",
        "lumina2",
        "wan",
        "hidream",
        "chroma",
        "ace",
        "omnigen2",
        "qwen_image",
        "hunyuan_image",
    ],
    Widget(
        "COMBO",
        unavailable=(
            "stable_audio",
            "cosmos",
            "lumina2",
            "wan",
            "ace",
            "omnigen2",
            "qwen_image",
            "hunyuan_image",
        ),
    ),
]
"""What the encoder of a loader for one encoder is for. Unavailable are those that read neither CLIP nor T5 1.1."""

DecodedDtype = Annotated[Literal["default", "target", "float32", "float16", "bfloat16"], Widget("COMBO")]
"""UnetLoaderGGUFAdvanced's dequant_dtype: what blocks are decoded in; "default" and "target" are float32 here."""

PatchDtype = Annotated[
    Literal["default", "target", "float32", "float16", "bfloat16"],
    Widget("COMBO"),
    Field(description="for LoRA"),
]
"""UnetLoaderGGUFAdvanced's patch_dtype. The description keeps it apart from DecodedDtype."""

BnbDtype = Annotated[Literal["default", "nf4", "fp4"], Widget("COMBO")]
"""UNETLoaderNF4's kind of 4-bit weights; "default": whichever the file has."""

ClipDevice = Annotated[
    Literal[
        "default",
        "cpu",
    ],
    Widget("COMBO"),
]
"""Where a text encoder runs."""

ResizeMethod = Annotated[Literal["nearest-exact", "bilinear", "area", "bicubic", "lanczos"], Widget("COMBO")]
"""Ways to resize pictures."""

LatentResizeMethod = Annotated[Literal["nearest-exact", "bilinear", "area", "bicubic", "bislerp"], Widget("COMBO")]
"""Ways to resize latents."""

Crop = Annotated[Literal["disabled", "center"], Widget("COMBO")]
"""Whether what is resized is first cut to the new shape."""
