"""Devices: which one each worker of this machine computes on."""

from engine import accelerators


def each(device: str, workers: int) -> list[str]:
    """One device for each worker: all CUDA devices in turn if none was picked by number, else the same for all.

    device: as in the settings. Raises GraphInvalid (bad-setting) if it cannot be had.
    """
    found = accelerators.resolve(device)
    count = accelerators.cuda_devices()
    if device not in ("auto", "cuda") or not found.startswith("cuda") or count < 2:
        return [found] * workers
    return [f"cuda:{worker % count}" for worker in range(workers)]
