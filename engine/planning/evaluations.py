"""Evaluations: how often a sampler will ask its diffusion model, as far as the graph tells."""

from collections.abc import Mapping

from engine.graph.values import BoundNode

ONE_A_STEP = frozenset(
    {
        "euler",
        "euler_cfg_pp",
        "euler_ancestral",
        "euler_ancestral_cfg_pp",
        "lms",
        "dpm_fast",
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
        "ddim",
    }
)
"""Samplers that evaluate the model once for each step."""


def evaluations(bound: Mapping[str, BoundNode], step: str) -> int | None:
    """How often this step asks its model; None if that is not to be told from literals."""
    node = bound[step]
    if _sampler(bound, node) not in ONE_A_STEP:
        return None
    schedule = _linked(bound, node, "sigmas") or node
    steps = schedule.literals.get("steps")
    if not isinstance(steps, int) or schedule.literals.get("denoise", 1.0) == 0:
        return 0 if isinstance(steps, int) else None
    first, last = (schedule.literals.get(name, other) for name, other in (("start_at_step", 0), ("end_at_step", steps)))
    if not isinstance(first, int) or not isinstance(last, int):
        return None
    return max(0, min(last, steps) - first)


def _sampler(bound: Mapping[str, BoundNode], node: BoundNode) -> str | None:
    """The name of the sampler that a node uses."""
    name = (_linked(bound, node, "sampler") or node).literals.get("sampler_name")
    return name if isinstance(name, str) else None


def _linked(bound: Mapping[str, BoundNode], node: BoundNode, field: str) -> BoundNode | None:
    link = node.links.get(field)
    return bound[link.node] if link is not None else None
