"""convert: the base-model loaders of a graph are exchanged for loaders of another storage type, nothing else."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from engine.convert import planning
from engine.convert.api_form import ApiGraph
from engine.convert.companions import Companions
from engine.convert.loaders import BASE
from engine.convert.rewriting import Found, Graph
from engine.convert.stored import SourceFile, find
from engine.convert.ui_form import Ids, UiGraph
from engine.convert.ui_hosts import Hosts
from engine.errors import GraphInvalid, ModelFileInvalid
from engine.folders import Folders
from engine.reading.documents import Document, editor_graphs, prompts, subgraphs
from schemas.conversion import AddedLoader, Change, Conversion, FileNeeded, LoaderState, MovedLink
from schemas.report import Problem
from schemas.weight_types import WeightType

GROUP_NODES = ("workflow>", "workflow/")
"""Beginnings of the types of the editor's old group nodes."""
Wires = dict[str, tuple[str, int]]


@dataclass
class Work:
    """One conversion on its way. folders: None if nothing is known of model files."""

    to: WeightType
    keep_checkpoint: bool
    folders: Folders | None
    companions: Companions
    problems: list[Problem] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    files: list[FileNeeded] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def convert(
    document: Document,
    to: WeightType,
    folders: Folders | None = None,
    nodes: Sequence[str] = (),
    keep_checkpoint: bool = False,
) -> Conversion:
    """The document with every base model, or those of these nodes, stored as `to`. The given one is not changed.

    nodes: ids, in a subgraph also "instance:id". keep_checkpoint: let the old loader of an all-in-one file give text
    encoders and VAE where the new one cannot. Raises GraphInvalid with every reason against it.
    """
    changed = Document(document.name, document.form, deepcopy(document.value), document.notes)
    work = Work(to, keep_checkpoint, folders, Companions(folders), said=list(document.notes))
    graphs = graphs_of(changed)
    for graph, wanted in _selected(graphs, nodes, work):
        _convert_graph(graph, wanted, work)
    _refuse_if_nothing(document, graphs, work)
    if work.problems:
        raise GraphInvalid([problem.model_copy(update={"file": document.name}) for problem in work.problems])
    return Conversion(
        file=document.name,
        form=document.form,
        to=str(to),
        document=changed.value,
        changes=work.changes,
        files=_once(work.files),
        said=list(dict.fromkeys(work.said)),
    )


def graphs_of(document: Document) -> list[Graph]:
    """Every graph of a document, subgraphs included, ready to be changed in place."""
    found: list[Graph] = [ApiGraph(nodes) for nodes in prompts(document)]
    for root in editor_graphs(document):
        inner = subgraphs(root)
        ids, hosts = Ids(root, inner), Hosts([root, *inner])
        found.append(UiGraph(root, ids, hosts))
        found += [UiGraph(part, ids, hosts, str(part.get("name") or part.get("id"))) for part in inner]
    return found


def _selected(graphs: Sequence[Graph], nodes: Sequence[str], work: Work) -> Iterator[tuple[Graph, list[Found]]]:
    """Each graph with the loaders to convert. One that serves only for text encoders or VAE is no base model."""
    held = [(graph, graph.found()) for graph in graphs]
    known = {loader.node for _, found in held for loader in found}
    for name in nodes:
        if name not in known and name.rpartition(":")[2] not in known:
            said = f"node {name!r} is no base-model loader of this graph."
            fix = f"These are: {', '.join(sorted(known))}." if known else f"Those are: {', '.join(BASE)}."
            work.problems.append(Problem(code="unknown-node", node=name, said=said, fix=fix))
    asked = {part for name in nodes for part in (name, name.rpartition(":")[2])}
    for graph, found in held:
        wanted = [loader for loader in found if not nodes or loader.node in asked]
        for loader in wanted:
            if loader.only_companions:
                work.said.append(f"node {loader.node} serves only for its text encoders or VAE and was left as it is")
        yield graph, [loader for loader in wanted if not loader.only_companions]


def _refuse_if_nothing(document: Document, graphs: Sequence[Graph], work: Work) -> None:
    if work.problems or any(graph.found() for graph in graphs):
        return
    grouped = any(
        str(node["type"]).startswith(GROUP_NODES) for root in editor_graphs(document) for node in root["nodes"]
    )
    said = "the graph has no loader of a base model."
    fix = f"Those that can be converted are: {', '.join(BASE)}."
    if grouped:
        fix = "Group nodes are not looked into: turn them into nodes or subgraphs in the editor first."
    work.problems.append(Problem(code="not-convertible", said=said, fix=fix))


def _convert_graph(graph: Graph, wanted: Sequence[Found], work: Work) -> None:
    """Convert loaders of one graph. Those that remember go back first, the last converted first."""
    wires = graph.wires()
    begun = {loader.node: loader for loader in wanted}
    todo = [loader.node for loader in wanted if not _is_done(graph, loader, work)]
    removed = {node: _turned_back(graph, node, work) for node in reversed(todo)}
    for loader in [loader for loader in graph.found() if loader.node in removed]:
        change = _convert_loader(graph, loader, begun[loader.node], work)
        if change is not None:
            change.removed = removed[loader.node]
            work.changes.append(change)
            _tell_links(change, wires, graph.wires())


def _is_done(graph: Graph, loader: Found, work: Work) -> bool:
    """Whether there is nothing to do, which is said, or nothing that can be done, which is a problem."""
    found = planning.refusals(loader, work.to)
    work.problems += found
    if found:
        return True
    source = _source(loader, work)
    if source is not None and planning.already(loader, source, work.to):
        work.said.append(f"node {loader.node} loads {loader.file!r}, which is {work.to} already: nothing changed")
        work.files += _known_files(graph, loader, work)
        return True
    return source is None


def _source(loader: Found, work: Work) -> SourceFile | None:
    """The file of a loader; None, and a problem, if it is damaged."""
    try:
        return find(work.folders, loader.loader.folder, str(loader.file))
    except ModelFileInvalid as error:
        said = f"{error.path} {error.said}"
        work.problems.append(Problem(code="bad-file", node=loader.node, found=loader.file, said=said, fix=error.fix))
        return None


def _turned_back(graph: Graph, node: str, work: Work) -> list[str]:
    """Undo an earlier conversion. Returns the ids of loaders that are gone with it."""
    remembered = graph.remembers(node)
    if remembered is None:
        work.said.append(f"node {node} was edited since it was converted, so it is converted as it is now")
    return graph.undo(node) if remembered else []


def _convert_loader(graph: Graph, loader: Found, begun: Found, work: Work) -> Change | None:
    """Convert a loader, which may just have become again what it once was."""
    source = _source(loader, work)
    if source is None:
        return None
    said, added, after = "It is again what it was before it was converted.", [], loader
    if not planning.already(loader, source, work.to):
        misfit = planning.misfit(loader, source, work.to)
        if misfit is not None:
            work.problems.append(misfit)
            return None
        planned = planning.plan(loader, source, work.to, work.keep_checkpoint, work.companions)
        names = graph.rewrite(loader.node, planned.rewrite)
        pairs = zip(names, planned.rewrite.additions, strict=True)
        added = [
            AddedLoader(node=name, class_type=each.loader.class_type, values=dict(each.values)) for name, each in pairs
        ]
        work.files += planning.needed(planned.files, source, work.to, work.folders)
        said = planned.said
        if begun.loader is not loader.loader:
            said = f"First it became {loader.loader.class_type} again. {said}"
        if work.keep_checkpoint and not any(each.loader.whole for each in planned.rewrite.additions):
            work.said.append(f"node {loader.node}: there is nothing that a kept checkpoint would be needed for")
        after = next(each for each in graph.found() if each.node == loader.node)
    return Change(
        node=loader.node,
        title=begun.title,
        graph=graph.name,
        before=LoaderState(class_type=begun.loader.class_type, values=dict(begun.values)),
        after=LoaderState(class_type=after.loader.class_type, values=dict(after.values)),
        added=added,
        said=said,
    )


def _known_files(graph: Graph, loader: Found, work: Work) -> list[FileNeeded]:
    """The files of a loader that an earlier conversion made so: it remembers what they can be made from."""
    if not graph.remembers(loader.node):
        return []
    (class_type, values), *added = graph.history(loader.node)
    source = SourceFile(BASE[class_type].folder, str(values.get(BASE[class_type].file_field)))
    return planning.needed(planning.history_files(added, loader), source, work.to, work.folders)


def _tell_links(change: Change, before: Wires, after: Wires) -> None:
    """What became of the links of a loader and of what was added or removed with it."""
    own = {change.node, *change.removed, *(loader.node for loader in change.added)}
    for reader, (origin, _) in before.items():
        now = after.get(reader, (origin, 0))[0]
        if origin in own and now != origin:
            change.links.append(MovedLink(reader=reader, before=origin, after=now))
        elif origin == change.node:
            change.stays.append(reader)


def _once(files: Sequence[FileNeeded]) -> list[FileNeeded]:
    return list({(file.folder, file.name): file for file in reversed(files)}.values())[::-1]
