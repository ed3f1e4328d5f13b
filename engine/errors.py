"""What can go wrong, one class per kind of reaction.

    ComfylessError
    ├── GraphInvalid        fix the graph, the command or the settings: all problems at once     exit 2
    ├── FileMissing         put the file where the node looks, or correct its name               exit 2 / 1
    ├── ModelFileInvalid    replace the file: truncated, not what its name says, not supported   exit 2 / 1
    ├── NotWritten          give another output folder or prefix, or free the disk               exit 2 / 1
    ├── DoesNotFit          free memory or raise the budget                                      exit 1
    ├── NodeFailed          a node raised while running; the cause is chained                    exit 1
    ├── PackInvalid         fix or remove a node pack                                            exit 2
    ├── JournalInvalid      name another folder: what lies there is no journal, or a newer one   exit 2
    ├── WorkersFailed       look into what their processes said: none of them starts             exit 1
    └── Interrupted         the user wants to stop                                               exit 130

FileMissing and ModelFileInvalid exit with 2 when found before the run, and with 1, inside NodeFailed, during it;
NotWritten with 2 where a command was given a place that cannot take its result, else with 1.
"""

from collections.abc import Sequence

from schemas.report import Problem


class ComfylessError(Exception):
    """Base of every error a person is meant to read."""


class GraphInvalid(ComfylessError):
    """The graph, the command line or the settings cannot be run as given."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep all problems; the message joins what they say."""
        super().__init__("; ".join(problem.said for problem in problems))
        self.problems = list(problems)


class FileMissing(ComfylessError):
    """A model or picture file is in none of the folders searched."""

    def __init__(self, folder: str, name: str, near: Sequence[str], searched: Sequence[str]) -> None:
        """near: similar names that exist, best first. searched: folders, as paths."""
        hint = f" Did you mean {near[0]!r}?" if near else ""
        places = ", ".join(searched) or "none is set"
        super().__init__(f"{name!r} is in none of the folders for {folder}: {places}.{hint}")
        self.folder, self.name, self.near, self.searched = folder, name, list(near), list(searched)


class ModelFileInvalid(ComfylessError):
    """A file exists but cannot serve: damaged, mislabelled, of another architecture."""

    def __init__(self, path: str, said: str, fix: str) -> None:
        """said: what is wrong. fix: what to do, in the imperative."""
        super().__init__(f"{path}: {said} {fix}")
        self.path, self.said, self.fix = path, said, fix


class NotWritten(ComfylessError):
    """A picture has no place to go: outside the output folder, no room, no permission."""


class DoesNotFit(ComfylessError):
    """The weights that a step needs are larger than the memory budget leaves."""


class NodeFailed(ComfylessError):
    """A node raised while running; `__cause__` is what it raised."""

    def __init__(self, node: str, title: str | None, class_type: str, cause: BaseException) -> None:
        """Name the node; the message ends with the cause's type and text."""
        where = f"{node} {class_type}" + (f" ({title!r})" if title and title != class_type else "")
        reason = str(cause) if isinstance(cause, ComfylessError) else f"{type(cause).__name__}: {cause}"
        super().__init__(f"node {where} failed: {reason}")
        self.node, self.title, self.class_type = node, title, class_type


class PackInvalid(ComfylessError):
    """A node pack cannot be loaded, or two packs claim one name."""


class JournalInvalid(ComfylessError):
    """A journal's or a cache's file is none, or was written by a newer comfyless."""


class WorkersFailed(ComfylessError):
    """The processes or machines that jobs are run by do not start, or die before they are given any."""


class Interrupted(ComfylessError):
    """The user asked to stop."""
