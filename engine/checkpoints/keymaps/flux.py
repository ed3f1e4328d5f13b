"""Flux.1: Black Forest Labs' key names and diffusers' names for the same tensors.

Black Forest Labs fuse what reads the same input; diffusers keep it apart. So a name of theirs stands for one or several
of diffusers', whose rows follow one another. One more difference: diffusers' last modulation gives scale before shift.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple


class Rule(NamedTuple):
    """A kind of key. bfl: with {n} for the block. diffusers: the parts in order of their rows.

    swapped: the halves of the rows stand the other way round in diffusers' tensor.
    """

    bfl: str
    diffusers: tuple[str, ...]
    swapped: bool = False


def _embedder(bfl: str, diffusers: str) -> tuple[Rule, ...]:
    return (
        Rule(f"{bfl}.in_layer", (f"time_text_embed.{diffusers}.linear_1",)),
        Rule(f"{bfl}.out_layer", (f"time_text_embed.{diffusers}.linear_2",)),
    )


DOUBLE, DOUBLE_IN = "double_blocks.{n}.", "transformer_blocks.{n}."
SINGLE, SINGLE_IN = "single_blocks.{n}.", "single_transformer_blocks.{n}."

LAYERS: tuple[Rule, ...] = (
    Rule("img_in", ("x_embedder",)),
    Rule("txt_in", ("context_embedder",)),
    *_embedder("time_in", "timestep_embedder"),
    *_embedder("guidance_in", "guidance_embedder"),
    *_embedder("vector_in", "text_embedder"),
    Rule(DOUBLE + "img_mod.lin", (DOUBLE_IN + "norm1.linear",)),
    Rule(DOUBLE + "txt_mod.lin", (DOUBLE_IN + "norm1_context.linear",)),
    Rule(DOUBLE + "img_attn.qkv", tuple(f"{DOUBLE_IN}attn.to_{part}" for part in "qkv")),
    Rule(DOUBLE + "txt_attn.qkv", tuple(f"{DOUBLE_IN}attn.add_{part}_proj" for part in "qkv")),
    Rule(DOUBLE + "img_attn.proj", (DOUBLE_IN + "attn.to_out.0",)),
    Rule(DOUBLE + "txt_attn.proj", (DOUBLE_IN + "attn.to_add_out",)),
    Rule(DOUBLE + "img_mlp.0", (DOUBLE_IN + "ff.net.0.proj",)),
    Rule(DOUBLE + "img_mlp.2", (DOUBLE_IN + "ff.net.2",)),
    Rule(DOUBLE + "txt_mlp.0", (DOUBLE_IN + "ff_context.net.0.proj",)),
    Rule(DOUBLE + "txt_mlp.2", (DOUBLE_IN + "ff_context.net.2",)),
    Rule(SINGLE + "modulation.lin", (SINGLE_IN + "norm.linear",)),
    Rule(SINGLE + "linear1", (*(f"{SINGLE_IN}attn.to_{part}" for part in "qkv"), SINGLE_IN + "proj_mlp")),
    Rule(SINGLE + "linear2", (SINGLE_IN + "proj_out",)),
    Rule("final_layer.adaLN_modulation.1", ("norm_out.linear",), swapped=True),
    Rule("final_layer.linear", ("proj_out",)),
)
"""Linear layers: each has a weight and a bias under both names."""

SCALES: tuple[Rule, ...] = (
    Rule(DOUBLE + "img_attn.norm.query_norm.scale", (DOUBLE_IN + "attn.norm_q.weight",)),
    Rule(DOUBLE + "img_attn.norm.key_norm.scale", (DOUBLE_IN + "attn.norm_k.weight",)),
    Rule(DOUBLE + "txt_attn.norm.query_norm.scale", (DOUBLE_IN + "attn.norm_added_q.weight",)),
    Rule(DOUBLE + "txt_attn.norm.key_norm.scale", (DOUBLE_IN + "attn.norm_added_k.weight",)),
    Rule(SINGLE + "norm.query_norm.scale", (SINGLE_IN + "attn.norm_q.weight",)),
    Rule(SINGLE + "norm.key_norm.scale", (SINGLE_IN + "attn.norm_k.weight",)),
)
"""Norms: full names of tensors."""

_BLOCK = re.compile(r"(?<=blocks\.)(\d+)(?=\.)")
_LAYERS: Mapping[str, Rule] = {rule.bfl: rule for rule in LAYERS}
_SCALES: Mapping[str, Rule] = {rule.bfl: rule for rule in SCALES}


def layer(stem: str) -> Rule | None:
    """The rule of a linear layer by Black Forest Labs' name without ".weight", with this block's number put in."""
    return _numbered(stem, _LAYERS)


def tensor(name: str) -> Rule | None:
    """The rule of a tensor by Black Forest Labs' full name, diffusers' full names in it; None if there is no such."""
    stem, _, last = name.rpartition(".")
    if last in ("weight", "bias"):
        found = layer(stem)
        return found and found._replace(bfl=name, diffusers=tuple(f"{part}.{last}" for part in found.diffusers))
    return _numbered(name, _SCALES)


def _numbered(name: str, rules: Mapping[str, Rule]) -> Rule | None:
    number = _BLOCK.search(name)
    rule = rules.get(_BLOCK.sub("{n}", name, count=1))
    if rule is None or number is None:
        return rule
    return rule._replace(bfl=name, diffusers=tuple(part.replace("{n}", number[0]) for part in rule.diffusers))


def bfl_names(double_blocks: int, single_blocks: int, guided: bool) -> list[str]:
    """Every tensor of a Flux model of these sizes by Black Forest Labs' name."""
    names = [f"{rule.bfl}.{last}" for rule in LAYERS for last in ("weight", "bias")]
    names += [rule.bfl for rule in SCALES]
    counts = {"double": double_blocks, "single": single_blocks}
    found = []
    for name in names:
        kind = name.partition("_blocks")[0]
        numbers = range(counts[kind]) if "{n}" in name else range(1)
        if guided or not name.startswith("guidance_in."):
            found += [name.replace("{n}", str(number)) for number in numbers]
    return found
