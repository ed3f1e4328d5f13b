"""All samplers by ComfyUI's names."""

from collections.abc import Mapping

from engine.inference.sampling.contract import Sampler
from engine.inference.sampling.samplers import (
    ancestral,
    cfg_pp,
    dpm_solver,
    dpmpp,
    er_sde,
    gradient_estimation,
    multistep,
    res_multistep,
    sa_solver,
    seeds,
    single_step,
    uni_pc,
)

SAMPLERS: Mapping[str, Sampler] = {
    "euler": single_step.euler,
    "euler_cfg_pp": cfg_pp.euler_cfg_pp,
    "euler_ancestral": ancestral.euler_ancestral,
    "euler_ancestral_cfg_pp": cfg_pp.euler_ancestral_cfg_pp,
    "heun": single_step.heun,
    "heunpp2": single_step.heunpp2,
    "dpm_2": single_step.dpm_2,
    "dpm_2_ancestral": ancestral.dpm_2_ancestral,
    "lms": multistep.lms,
    "dpm_fast": dpm_solver.dpm_fast,
    "dpm_adaptive": dpm_solver.dpm_adaptive,
    "dpmpp_2s_ancestral": ancestral.dpmpp_2s_ancestral,
    "dpmpp_2s_ancestral_cfg_pp": cfg_pp.dpmpp_2s_ancestral_cfg_pp,
    "dpmpp_sde": dpmpp.dpmpp_sde,
    "dpmpp_sde_gpu": dpmpp.dpmpp_sde,
    "dpmpp_2m": dpmpp.dpmpp_2m,
    "dpmpp_2m_cfg_pp": cfg_pp.dpmpp_2m_cfg_pp,
    "dpmpp_2m_sde": dpmpp.dpmpp_2m_sde,
    "dpmpp_2m_sde_gpu": dpmpp.dpmpp_2m_sde,
    "dpmpp_2m_sde_heun": dpmpp.dpmpp_2m_sde_heun,
    "dpmpp_2m_sde_heun_gpu": dpmpp.dpmpp_2m_sde_heun,
    "dpmpp_3m_sde": dpmpp.dpmpp_3m_sde,
    "dpmpp_3m_sde_gpu": dpmpp.dpmpp_3m_sde,
    "ddpm": ancestral.ddpm,
    "lcm": ancestral.lcm,
    "ipndm": multistep.ipndm,
    "ipndm_v": multistep.ipndm_v,
    "deis": multistep.deis,
    "res_multistep": res_multistep.res_multistep,
    "res_multistep_cfg_pp": res_multistep.res_multistep_cfg_pp,
    "res_multistep_ancestral": res_multistep.res_multistep_ancestral,
    "res_multistep_ancestral_cfg_pp": res_multistep.res_multistep_ancestral_cfg_pp,
    "gradient_estimation": gradient_estimation.gradient_estimation,
    "gradient_estimation_cfg_pp": gradient_estimation.gradient_estimation_cfg_pp,
    "er_sde": er_sde.er_sde,
    "seeds_2": seeds.seeds_2,
    "seeds_3": seeds.seeds_3,
    "sa_solver": sa_solver.sa_solver,
    "sa_solver_pece": sa_solver.sa_solver_pece,
    "ddim": single_step.euler,
    "uni_pc": uni_pc.uni_pc,
    "uni_pc_bh2": uni_pc.uni_pc_bh2,
}

BROWNIAN = frozenset(name for name in SAMPLERS if name.startswith("dpmpp_") and "_sde" in name)
"""Samplers whose noise comes off one Brownian path; those named _gpu draw it on the latent's device, else the CPU."""
