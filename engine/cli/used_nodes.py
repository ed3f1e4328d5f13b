"""`comfyless nodes FILE`: the classes that a graph has, and which of them can run here."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli import words
from engine.cli.loading import load
from engine.cli.table import table

if TYPE_CHECKING:
    from engine import api
    from schemas.settings import Settings
    from schemas.workflow import Workflow

ENDINGS = frozenset({".json", ".png", ".webp", ".jpg", ".jpeg"})
STANDARD_INPUT = "-"


def is_file_name(name: str) -> bool:
    """Whether an argument names a file rather than a class: it looks like one, or is there."""
    path = Path(name)
    if name == STANDARD_INPUT or path.suffix.lower() in ENDINGS or len(path.parts) > 1:
        return True
    return _is(name, Path.is_file)


def is_folder(name: str) -> bool:
    """Whether there is a folder of that name."""
    return _is(name, Path.is_dir)


def _is(name: str, kind: Callable[[Path], bool]) -> bool:
    try:
        return kind(Path(name))
    except (OSError, ValueError):  # no file system takes such a name
        return False


def read(file: str, note: Any, settings: "Settings") -> "tuple[Workflow, list[api.ClassUse]]":
    """The graph in a file, and its classes. Raises GraphInvalid."""
    from engine import api

    workflow = load(file, (), note, settings=settings)
    return workflow, api.classes(workflow, settings)


def lines_of(workflow: "Workflow", found: "list[api.ClassUse]") -> Iterator[str]:
    """A headline, then a row for each class: how many nodes, and whether it runs, or what has it."""
    runs = sum(use.runs for use in found)
    sizes = f"{words.count(len(workflow.prompt.nodes), 'node')} of {words.count(len(found), 'class', 'es')}"
    yield words.plain(f"{workflow.name}: {sizes}, {runs} of which can run here")
    rows = [(use.class_type, str(len(use.nodes)), "runs" if use.runs else _origin(use)) for use in found]
    yield from table(rows, indent=2, right=(1,))


def _origin(use: "api.ClassUse") -> str:
    """Who has a class that cannot run here."""
    if use.schema is not None:
        return f"cannot run; {origin(use.schema.release, use.schema.address)}"
    return f"unknown; of the pack {use.pack!r}, the file says" if use.pack else "unknown"


def origin(since: str, address: str | None) -> str:
    """Who has a class: ComfyUI since some release, or a pack with its address if anybody says it."""
    if address is not None:
        return f"the pack {since} has it ({address})" if address else f"the pack {since} has it"
    return f"ComfyUI has it since {since}" if since else "the ComfyUI that object_info was asked of has it"


def records_of(workflow: "Workflow", found: "list[api.ClassUse]") -> "Iterator[dict[str, Any]]":
    """Each class as a JSON record."""
    for use in found:
        schema = use.schema
        yield {
            "event": "class",
            "file": workflow.name,
            "class_type": use.class_type,
            "count": len(use.nodes),
            "nodes": use.nodes,
            "runs": use.runs,
            "since": schema.since if schema is not None else None,
            "address": schema.address if schema is not None else None,
            "pack": use.pack,
        }
