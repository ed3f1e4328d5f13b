"""What is wrong with the files that a node names: not there, of another kind, or the same thing twice."""

from collections.abc import Iterator, Mapping

from engine.errors import ModelFileInvalid
from engine.graph.folders import INPUT
from engine.graph.literals import Fault
from engine.graph.scene import Scene
from engine.reading.printable import shown
from schemas.widgets import Widget


def check_there(scene: Scene, widget: Widget, value: str) -> None:
    """Raises Fault if no folder has the file and the widget does not offer the name without one."""
    if widget.folder is None or value in widget.extra or scene.has_file(widget.folder, value):
        return
    searched = scene.folders.searched(widget.folder)
    option = "--input" if widget.folder == INPUT else "--models"
    if searched:
        said = f"{shown(value)} is in none of the folders for {widget.folder}: {', '.join(searched)}."
        otherwise = f"Put the file there, or name the folder that has it with {option}."
    else:
        said = f"{shown(value)} cannot be found: there is no folder for {widget.folder}."
        otherwise = f"Name the folder that has it with {option}."
    raise Fault("missing-file", said, scene.where_instead(widget.folder, value) or otherwise)


def check_held(scene: Scene, widget: Widget, value: str) -> None:
    """Raises Fault if the file's header shows no model that the node can run."""
    path = scene.folders.path(widget.folder, value) if widget.folder and widget.holds else None
    if path is None:
        return
    from engine.checkpoints import index, runnable  # what reads headers is only wanted where there are any

    try:
        runnable.require(index.read(path), *widget.holds)
    except ModelFileInvalid as error:
        raise Fault("bad-file", f"{shown(value)} {error.said}", error.fix) from error


def repeated(scene: Scene, fields: Mapping[str, tuple[Widget, str]]) -> Iterator[tuple[str, Fault]]:
    """Fields whose file brings no kind of model that the files of those before it lack, each with what to say.

    fields: names to widgets and values. Files that are not there or hold nothing of use are told elsewhere.
    """
    before: dict[str, str] = {}
    for field, (widget, value) in fields.items():
        held = _held(scene, widget, value)
        if held and held.keys() <= before.keys():
            first = before[next(iter(held))]
            same = fields[first][1] == value
            said = (
                f"{shown(value)} is named in {first} already." if same else _again(value, held, first, fields[first][1])
            )
            yield field, Fault("bad-file", said, "Choose one file for each of the text encoders.")
        before |= {kind: field for kind in held if kind not in before}


def _again(value: str, held: Mapping[str, str], first: str, other: str) -> str:
    return f"{shown(value)} holds {' and '.join(held.values())}, as {shown(other)} in {first} does."


def _held(scene: Scene, widget: Widget, value: str) -> dict[str, str]:
    """Kinds of models in a file, of those that the widget takes, with their titles."""
    path = scene.folders.path(widget.folder, value) if widget.folder and scene.has_file(widget.folder, value) else None
    if path is None:
        return {}
    from engine.checkpoints import detect, index

    try:
        parts = detect.parts(index.read(path))
    except ModelFileInvalid:
        return {}
    return {part.kind: part.title for part in parts if part.kind in widget.holds}
