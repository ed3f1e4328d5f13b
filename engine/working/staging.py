"""Staging: the pictures of one attempt of a job, whole but without their final names.

A node that saves a picture while a job runs cannot know yet whether the job will be over before the process dies. So
its pictures lie in a folder of the attempt's own, which is thrown away if the attempt comes to nothing, and get their
names only when the job's outcome stands in the journal (engine.working.placing).
"""

import os
import random
import string
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import NotWritten
from engine.running.output_names import Place, place_of
from engine.running.outputs import COMPRESSION, Kind, encode_png, name_of
from engine.whole_files import write_new
from schemas.job import Draft
from schemas.report import RunReport

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST_NAME = 255
"""Bytes that a file's name may have on the file systems of today."""


class StagingFolder:
    """Where one attempt of a job saves pictures; what a session asks of running.context.Pictures.

    disk: why a picture could not be written, if the disk is what is wrong.
    """

    def __init__(self, folder: Path, roots: Mapping[Kind, Path], clock: Callable[[], datetime] = datetime.now) -> None:
        """Touch nothing on disk yet. roots: the folders that pictures are for; nothing is written there."""
        self.disk: str | None = None
        self._folder, self._roots, self._clock = folder, roots, clock
        self._letters = "".join(random.Random(os.getpid()).choices(string.ascii_lowercase, k=5))
        self._drafts: dict[str, Draft] = {}

    def save(
        self, picture: "NDArray[np.uint8]", prefix: str, kind: Kind, batch_index: int, metadata: Mapping[str, str]
    ) -> Path:
        """Write one picture, uint8 (H, W, 3 or 4), as a draft; the path written.

        Raises NotWritten as OutputFolder.save does: for a prefix that leaves its folder or is too long, or if the
        draft cannot be written; nothing is left then.
        """
        name = name_of(picture, prefix, metadata, self._letters if kind == "temp" else "", self._clock())
        _refuse_long(place_of(name, self._roots[kind]), batch_index, prefix)
        path = self._folder / f"{len(self._drafts) + 1:05}.png"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_new(path, [encode_png(picture, metadata, COMPRESSION[kind])], durable=kind == "output")
        except OSError as error:
            self.disk = f"no picture could be written to {self._folder}: {error.strerror or error}."
            raise NotWritten(self.disk) from error
        self._drafts[str(path)] = Draft(file=str(path), node="", name=name, kind=kind, batch_index=batch_index)
        return path

    def drafts(self, report: RunReport) -> list[Draft]:
        """The pictures that a report names, in the order written, each with its node; others came to nothing."""
        nodes = {path: node for node, paths in report.outputs.items() for path in paths}
        named = (self._drafts[path] for path in self._drafts if path in nodes)
        return [draft.model_copy(update={"node": nodes[draft.file]}) for draft in named]


def _refuse_long(place: Place, batch_index: int, prefix: str) -> None:
    """Raises NotWritten for a name that the file could never get: better now than when the job has run."""
    longest = max(len(os.fsencode(part)) for part in (*place.folder.parts, place.file_name(batch_index, 0)))
    if longest > LONGEST_NAME:
        raise NotWritten(
            f"the filename prefix {prefix!r} is too long: {longest} bytes in one name, not {LONGEST_NAME}."
        )
