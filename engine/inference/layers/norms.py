"""Normalisations that torch.nn has under other parameter names, or not at all."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class RmsNorm(nn.Module):
    """Root mean square normalisation of the last dimension (Zhang and Sennrich 2019, arXiv:1910.07467)."""

    def __init__(self, width: int, name: str = "weight", eps: float = 1e-6) -> None:
        """name: what the file calls the factor ("weight" in T5, "scale" in Flux)."""
        super().__init__()
        self.name, self.eps = name, eps
        self.register_parameter(name, nn.Parameter(torch.empty(width, device="meta"), requires_grad=False))

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) → (..., width)."""
        factor: Tensor = getattr(self, self.name)
        return functional.rms_norm(x, factor.shape, factor, self.eps)
