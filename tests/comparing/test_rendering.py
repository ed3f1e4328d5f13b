"""Rendering: pictures and latents are overheard, nothing is written, and time that a cache saved is counted."""

from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import pytest

from engine import api
from engine.comparing.recording import Recorder
from engine.comparing.rendering import NotRendered, Renderer
from engine.comparing.sides import Side
from engine.errors import GraphInvalid
from engine.plugins.registry import Registry
from schemas.context import Context
from schemas.node import Node
from schemas.sockets import Latent
from schemas.widgets import Seed
from schemas.workflow import Workflow

RUNS: list[int] = []


class Samples:
    """As much of a tensor as the recorder asks for."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def float(self) -> "Samples":
        return self

    cpu = float

    def numpy(self) -> np.ndarray:
        return self.array


class Draw(Node):
    """A sampler of two latents full of its seed."""

    category: ClassVar[str] = "sampling/toys"

    seed: Seed = 0

    class Outputs(NamedTuple):
        """A latent."""

        LATENT: Latent

    def run(self, context: Context) -> Outputs:
        """Fill it; a seed of 13 fails."""
        if self.seed == 13:
            raise ValueError("unlucky")
        RUNS.append(self.seed)
        context.progress(1, 1)
        return self.Outputs({"samples": Samples(np.full((2, 4, 2, 2), self.seed, np.float32))})


class Preview(Node):
    """Saves one picture for the time being."""

    output_node = True

    latent: Latent

    def run(self, context: Context) -> Node.Outputs:
        """A picture."""
        context.save_picture(np.full((16, 16, 3), 200, np.uint8), "x", "temp", 0)
        return self.Outputs()


class Save(Node):
    """Saves each latent's first value as a picture."""

    output_node = True

    latent: Latent

    def run(self, context: Context) -> Node.Outputs:
        """Two pictures."""
        for index, latent in enumerate(self.latent["samples"].numpy()):
            context.save_picture(np.full((16, 16, 4), latent[0, 0, 0], np.uint8), "x", "output", index)
        return self.Outputs()


def renderer(folder: Path, **listening: object) -> Renderer:
    recorder = Recorder(Registry.of(node.spec() for node in (Draw, Save, Preview)))
    settings = api.Settings(output=folder / "output", temp=folder / "temp", device="cpu")
    return Renderer(api.Session(settings, registry=recorder.registry, **listening), recorder)  # type: ignore[arg-type]


def graph(seed: int = 5, outputs: tuple[str, ...] = ("Save",)) -> Workflow:
    nodes = {"1": {"class_type": "Draw", "inputs": {"seed": seed}}}
    nodes |= {str(at): {"class_type": kind, "inputs": {"latent": ["1", 0]}} for at, kind in enumerate(outputs, 2)}
    return Workflow.model_validate({"name": "g.json", "form": "api", "prompt": {"nodes": nodes}})


def shown(side: Side) -> list[tuple[int | None, int, float]]:
    return [(s.seed, int(s.pixels.max()), float(s.latent.mean())) for s in side.shots if s.latent is not None]


def test_every_seed_gives_its_pictures_with_their_latents_and_no_file(tmp_path: Path) -> None:
    side = renderer(tmp_path).render(graph(), (3, 4))
    assert shown(side) == [(3, 3, 3.0), (3, 3, 3.0), (4, 4, 4.0), (4, 4, 4.0)]
    assert [shot.latent.shape for shot in side.shots if shot.latent is not None] == [(4, 2, 2)] * 4
    assert {shot.pixels.shape for shot in side.shots} == {(16, 16, 3)}
    assert list(tmp_path.iterdir()) == []


def test_without_seeds_a_graph_is_drawn_once_from_its_own(tmp_path: Path) -> None:
    assert shown(renderer(tmp_path).render(graph(7))) == [(7, 7, 7.0)] * 2


def test_what_both_graphs_share_runs_once_and_counts_for_both(tmp_path: Path) -> None:
    RUNS.clear()
    both = renderer(tmp_path)
    a, b = both.render(graph(), (8,)), both.render(graph(), (8,))
    assert RUNS == [8]
    assert shown(a) == shown(b) != []
    assert a.sampling == b.sampling
    assert a.sampling is not None
    assert a.sampling > 0


def test_previews_count_only_where_nothing_is_saved(tmp_path: Path) -> None:
    assert [int(s.pixels.max()) for s in renderer(tmp_path).render(graph(outputs=("Preview", "Save"))).shots] == [5, 5]
    assert [int(s.pixels.max()) for s in renderer(tmp_path).render(graph(outputs=("Preview",))).shots] == [200]


def test_a_node_that_fails_and_a_wish_to_stop_end_it(tmp_path: Path) -> None:
    with pytest.raises(NotRendered, match="g.json: node 1 Draw failed: ValueError: unlucky") as failed:
        renderer(tmp_path).render(graph(13))
    with pytest.raises(NotRendered) as stopped:
        renderer(tmp_path, stop=lambda: True).render(graph())
    assert (failed.value.report.status, stopped.value.report.status) == ("failed", "interrupted")


def test_a_graph_that_cannot_run_is_refused_with_all_problems(tmp_path: Path) -> None:
    with pytest.raises(GraphInvalid) as refused:
        renderer(tmp_path).check(graph(-1, outputs=("Save", "Svae")))
    assert sorted(problem.code for problem in refused.value.problems) == ["out-of-range", "unknown-class"]
