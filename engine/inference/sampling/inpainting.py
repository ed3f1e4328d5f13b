"""Inpainting by a noise mask: what is kept is put back before and after every evaluation."""

from torch import Tensor
from torch.nn.functional import interpolate

from engine.inference.sampling.contract import Denoiser


class Masked:
    """A Denoiser that sees the kept part at the right noise level, and whose estimate has the kept part unchanged."""

    def __init__(self, inner: Denoiser, mask: Tensor, latent: Tensor, noise: Tensor) -> None:
        """mask: (B or 1, 1, H, W) in latent cells, 1 where the picture may change. latent: without noise."""
        self.process = inner.process
        self._inner, self._mask, self._latent, self._noise = inner, mask, latent, noise

    def __call__(self, latent: Tensor, sigma: float) -> Tensor:
        """See Denoiser."""
        return self._restored(self._inner(self._shown(latent, sigma), sigma))

    def both(self, latent: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """See Denoiser. As in ComfyUI the unguided estimate is not put back."""
        guided, unguided = self._inner.both(self._shown(latent, sigma), sigma)
        return self._restored(guided), unguided

    def _shown(self, latent: Tensor, sigma: float) -> Tensor:
        kept = self.process.mix(sigma, self._noise, self._latent)
        return latent * self._mask + kept * (1.0 - self._mask)

    def _restored(self, estimate: Tensor) -> Tensor:
        return estimate * self._mask + self._latent * (1.0 - self._mask)


def mask_for(mask: Tensor, latent: Tensor) -> Tensor:
    """A mask (…, H, W) of any size as (B, 1, h, w) for a latent (B, C, h, w); too few masks begin again."""
    cells = interpolate(mask.to(latent).reshape(-1, 1, *mask.shape[-2:]), size=latent.shape[-2:], mode="bilinear")
    batch = latent.shape[0]
    return cells.repeat(-(-batch // cells.shape[0]), 1, 1, 1)[:batch]
