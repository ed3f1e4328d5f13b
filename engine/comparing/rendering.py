"""A graph becomes a Side: it is run once for each seed, and what its nodes gave is kept by what made it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine import api
from engine.comparing.metrics import Picture
from engine.comparing.recording import Heard, Recorder, samples
from engine.comparing.seeds import own_seed, with_seed
from engine.comparing.sides import FileFacts, Shot, Side
from engine.errors import ComfylessError, GraphInvalid, ModelFileInvalid
from schemas.plan import Plan
from schemas.report import Peak, Problem, RunReport
from schemas.workflow import Workflow


class NotRendered(ComfylessError):
    """A run failed or was interrupted. report: of that run."""

    def __init__(self, report: RunReport) -> None:
        """Say what the report says."""
        super().__init__(f"{report.file}: {report.error or report.status}")
        self.report = report


class Renderer:
    """Renders graphs in one session. The session must have been opened with the recorder's registry.

    What two graphs have in common is done once; so that the second does not look faster for it, a step that it finds
    cached counts, once for all seeds, with the seconds it took when it ran.
    """

    def __init__(self, session: api.Session, recorder: Recorder) -> None:
        """Nothing was rendered yet."""
        self._session, self._recorder = session, recorder
        self._heard: dict[str, Heard] = {}
        self._seconds: dict[str, float] = {}
        self._counted: set[str] = set()

    def check(self, side: Side | Workflow, seeds: Sequence[int] = ()) -> None:
        """Find out whether a side can be had. Raises GraphInvalid with all that is wrong with a graph."""
        if isinstance(side, Workflow):
            workflow = with_seed(side, seeds[0], self._session.registry) if seeds else side
            problems = self._session.validate(workflow)
            if problems:
                raise GraphInvalid([problem.model_copy(update={"file": side.name}) for problem in problems])

    def side(self, side: Side | Workflow, seeds: Sequence[int] = ()) -> Side:
        """A finished side as it is, a graph rendered."""
        return self.render(side, seeds) if isinstance(side, Workflow) else side

    def render(self, workflow: Workflow, seeds: Sequence[int] = ()) -> Side:
        """Run a graph for each seed, or as it is if there are none; no model stays loaded.

        Raises GraphInvalid if it cannot run or saves no picture, and NotRendered.
        """
        self._counted = set()
        side = Side(workflow.name, "rendered", prompt=workflow.prompt, seconds=0.0, sampling=0.0, peak=Peak())
        try:
            for seed in seeds or (None,):
                seeded = workflow if seed is None else with_seed(workflow, seed, self._session.registry)
                self._render(seeded, side, own_seed(workflow.prompt) if seed is None else seed)
        finally:
            self._session.forget_models()
        if not side.shots:
            said = "the graph saves no picture."
            raise GraphInvalid(
                [Problem(code="not-comparable", file=workflow.name, said=said, fix="Give it a SaveImage node.")]
            )
        return side

    def _render(self, workflow: Workflow, side: Side, seed: int | None) -> None:
        self._recorder.begin()
        plan = self._session.plan(workflow)
        report = self._session.run(workflow)
        if report.status == "invalid":
            raise GraphInvalid(report.problems)
        if report.status != "done":
            raise NotRendered(report)
        keys = {step.node: step.key for step in plan.steps}
        self._heard |= {keys[node]: heard for node, heard in self._recorder.heard.items() if node in keys}
        self._seconds |= {
            keys[step.node]: step.seconds for step in report.steps if _counts(step.state, step.node, keys)
        }
        side.files = side.files or files_of(plan)
        side.shots += _shots(self._pictures(workflow, keys), self._latent(plan), seed)
        self._count(side, plan, report.peak)

    def _pictures(self, workflow: Workflow, keys: dict[str, str]) -> list[tuple[str, Picture]]:
        """(node, picture) of all that was saved, in the file's order of nodes; of previews if nothing else was."""
        heard = [(node, self._heard[keys[node]]) for node in workflow.prompt.nodes if keys.get(node) in self._heard]
        saved = [(node, picture) for node, gave in heard for picture in gave.pictures]
        return saved or [(node, picture) for node, gave in heard for picture in gave.previews]

    def _latent(self, plan: Plan) -> NDArray[np.float32] | None:
        """(B, C, H/8, W/8): what the last sampling node gave."""
        heard = [self._heard[step.key].latents for step in plan.steps if step.key in self._heard]
        last = next((latents for latents in reversed(heard) if latents), [])
        return np.concatenate(last) if last and len({latent.shape[1:] for latent in last}) == 1 else None

    def _count(self, side: Side, plan: Plan, peak: Peak) -> None:
        took = {step.key: step.class_type for step in plan.steps if step.key not in self._counted}
        self._counted |= took.keys()
        sampling = (key for key, kind in took.items() if samples(self._session.registry.find(kind)))
        side.seconds = (side.seconds or 0.0) + sum(self._seconds.get(key, 0.0) for key in took)
        side.sampling = (side.sampling or 0.0) + sum(self._seconds.get(key, 0.0) for key in sampling)
        before = side.peak or Peak()
        side.peak = Peak(ram=max(before.ram, peak.ram), vram=max(before.vram, peak.vram))


def files_of(plan: Plan) -> list[FileFacts]:
    """The model files that a plan reads, each once; pictures among them are left out."""
    found: dict[str, FileFacts] = {}
    for need in (need for step in plan.steps for need in step.files):
        try:
            parts = api.describe_model(need.path).parts
        except ModelFileInvalid:  # a picture of the input folder; a model like this would have stopped the run
            continue
        found[need.path] = FileFacts(
            name=need.name, bytes=need.bytes, storage={part.kind: part.storage for part in parts}
        )
    return list(found.values())


def _counts(state: str, node: str, keys: dict[str, str]) -> bool:
    return state == "run" and node in keys


def _shots(pictures: Sequence[tuple[str, Picture]], latent: NDArray[np.float32] | None, seed: int | None) -> list[Shot]:
    """Each picture with its latent, or with those of all if there are not as many of one as of the other."""
    each = latent if latent is not None and len(latent) == len(pictures) else [latent] * len(pictures)
    drawn = "own seed" if seed is None else f"seed {seed}"
    return [
        Shot(seed, f"{drawn}, node {node}", pixels, part) for (node, pixels), part in zip(pictures, each, strict=True)
    ]
