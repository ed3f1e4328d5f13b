"""Nodes that send things everywhere feed the inputs that cg-use-everywhere would feed."""

from typing import Any

import pytest

from engine.editor.anything_everywhere import connect
from engine.editor.broadcasts import NotUnderstood, searching
from engine.editor.graph import BYPASSED, MUTED, EditorFile
from engine.editor.graph_reading import GraphReader

MODERN = {"ue_properties": {"version": "7.0", "widget_ue_connectable": {}}}


def node(ident: int, kind: str, inputs: str = "", outputs: str = "", widgets: str = "", **more: Any) -> dict[str, Any]:
    """A node whose sockets are all free. inputs, outputs, widgets: "name:TYPE …"."""
    sockets: list[dict[str, Any]] = [{"name": n, "type": t, "link": None} for n, t in _pairs(inputs)]
    sockets += [{"name": n, "type": t, "link": None, "widget": {"name": n}} for n, t in _pairs(widgets)]
    ends = [{"name": n, "type": t, "links": []} for n, t in _pairs(outputs)]
    return {"id": ident, "type": kind, "inputs": sockets, "outputs": ends, **more}


def _pairs(text: str) -> list[list[str]]:
    return [pair.split(":") for pair in text.split()]


def drawn(*nodes: dict[str, Any], links: list[list[Any]] | None = None, **more: Any) -> EditorFile:
    """The file with links drawn. links: [origin, output, target, input, type]."""
    held = [[number, *link] for number, link in enumerate(links or [], 1)]
    for name, _, _, target, slot, _ in held:
        next(each for each in nodes if each["id"] == target)["inputs"][slot]["link"] = name
    raw = {"nodes": list(nodes), "links": held, **more}
    file = GraphReader("test.json").read(raw)
    connect(file, raw)
    return file


def fed(file: EditorFile, ident: int) -> dict[str, tuple[str, int]]:
    """Which output feeds each linked input of a node."""
    found = {}
    for slot in file.root.nodes[str(ident)].inputs:
        link = file.root.links.get(slot.link or "")
        if link is not None:
            found[slot.name] = (link.origin, link.origin_slot)
    return found


def loader() -> dict[str, Any]:
    return node(1, "Loader", outputs="MODEL:MODEL CLIP:CLIP VAE:VAE")


def sampler(ident: int, **more: Any) -> dict[str, Any]:
    return node(
        ident, "KSampler", "model:MODEL positive:CONDITIONING negative:CONDITIONING", widgets="seed:INT", **more
    )


def sending(**more: Any) -> dict[str, Any]:
    return node(2, more.pop("kind", "Anything Everywhere"), "anything:*", **more)


MODEL = [1, 0, 2, 0, "MODEL"]


def test_unlinked_inputs_of_the_type_are_fed_and_others_are_not() -> None:
    file = drawn(loader(), sending(), sampler(3), sampler(4), links=[MODEL])
    assert fed(file, 3) == fed(file, 4) == {"model": ("1", 0)}
    assert file.remarks == ["2 Anything Everywhere feeds output 0 of 1 Loader to 3 KSampler.model, 4 KSampler.model"]


def test_drawn_links_stay() -> None:
    other = node(5, "Other", outputs="MODEL:MODEL")
    file = drawn(loader(), sending(), sampler(3), other, links=[MODEL, [5, 0, 3, 0, "MODEL"]])
    assert fed(file, 3) == {"model": ("5", 0)}


def test_an_input_whose_link_is_gone_counts_as_unlinked() -> None:
    target = sampler(3)
    target["inputs"][0]["link"] = 99
    assert fed(drawn(loader(), sending(), target, links=[MODEL]), 3) == {"model": ("1", 0)}


@pytest.mark.parametrize("mode", [MUTED, BYPASSED])
def test_senders_that_are_off_send_nothing(mode: int) -> None:
    assert fed(drawn(loader(), sending(mode=mode), sampler(3), links=[MODEL]), 3) == {}


def test_a_node_is_not_fed_by_itself() -> None:
    patch = node(1, "Patch", "model:MODEL", "MODEL:MODEL")
    assert fed(drawn(patch, sending(), sampler(3), links=[MODEL]), 1) == {}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["first", ".*", ".*"], [3]),
        ([".*", "model", ".*"], [3, 4]),
        ([".*", "^mo.*x", ".*"], []),
        ([".*", ".*", "Box"], [4]),
    ],
)
def test_patterns_for_title_input_and_group_restrict(values: list[str], expected: list[int]) -> None:
    near, far = {"pos": [0, 0], "size": [100, 100]}, {"pos": {"0": 500, "1": 0}, "size": {"0": 100, "1": 100}}
    groups = [{"title": "A Box", "bounding": [450, -50, 300, 300]}]
    nodes = [loader(), sending(kind="Anything Everywhere?", widgets_values=values)]
    file = drawn(*nodes, sampler(3, title="the first", **near), sampler(4, **far), links=[MODEL], groups=groups)
    assert [ident for ident in (3, 4) if fed(file, ident)] == expected


def test_settings_of_version_7_restrict_and_may_be_inverted() -> None:
    settings = {"version": "7.1", "title_regex": "first", "title_regex_invert": True, "color_restricted": 1}
    nodes = [loader(), sending(properties={"ue_properties": settings}, color="#111")]
    targets = [sampler(3, title="the first", color="#111"), sampler(4, color="#111"), sampler(5, color="#222")]
    file = drawn(*nodes, *targets, links=[MODEL])
    assert [ident for ident in (3, 4, 5) if fed(file, ident)] == [4]


def test_a_pattern_that_could_take_for_ever_is_told_and_not_followed() -> None:
    nodes = [loader(), sending(kind="Anything Everywhere?", widgets_values=["(a+)+$"])]
    file = drawn(*nodes, sampler(3), links=[MODEL])
    assert fed(file, 3) == {}
    assert file.remarks == ["2 Anything Everywhere? sends nothing: the pattern '(a+)+$' is not understood"]
    with pytest.raises(NotUnderstood):
        searching("[")


def test_the_more_restricted_sender_goes_first() -> None:
    other = node(5, "Other", outputs="MODEL:MODEL")
    narrow = node(6, "Anything Everywhere?", "anything:*", widgets_values=["KSampler", ".*", ".*"])
    file = drawn(loader(), sending(), sampler(3), other, narrow, links=[MODEL, [5, 0, 6, 0, "MODEL"]])
    assert fed(file, 3) == {"model": ("5", 0)}


def test_two_senders_of_the_same_rank_feed_nothing_and_that_is_told() -> None:
    other = node(5, "Other", outputs="MODEL:MODEL")
    again = node(6, "Anything Everywhere", "anything:*")
    file = drawn(loader(), sending(), sampler(3), other, again, links=[MODEL, [5, 0, 6, 0, "MODEL"]])
    assert fed(file, 3) == {}
    assert "3 KSampler.model is fed by none of 2 Anything Everywhere and 6 Anything Everywhere" in file.remarks[0]


def test_prompts_go_to_positive_and_negative_inputs() -> None:
    encoders = [node(k, "CLIPTextEncode", outputs="CONDITIONING:CONDITIONING") for k in (6, 7)]
    prompts = node(8, "Prompts Everywhere", "+ve:* -ve:*")
    links = [[6, 0, 8, 0, "CONDITIONING"], [7, 0, 8, 1, "CONDITIONING"]]
    file = drawn(*encoders, prompts, sampler(3), links=links)
    assert fed(file, 3) == {"positive": ("6", 0), "negative": ("7", 0)}


def test_a_seed_goes_to_seed_sockets_and_its_node_becomes_a_primitive_integer() -> None:
    seed = node(9, "Seed Everywhere", outputs="int:INT", widgets_values=[5, "fixed"])
    file = drawn(seed, sampler(3))
    assert fed(file, 3) == {"seed": ("9", 0)}
    assert file.root.nodes["9"].type == "PrimitiveInt"


def test_widgets_are_fed_only_if_told_to_accept_where_editors_list_all() -> None:
    seed = node(9, "Seed Everywhere", outputs="int:INT", widgets_values=[5, "fixed"])
    willing = {"ue_properties": {"version": "7.0", "widget_ue_connectable": {"seed": True}}}
    file = drawn(seed, sampler(3, properties=MODERN), sampler(4, properties=willing))
    assert (fed(file, 3), fed(file, 4)) == ({}, {"seed": ("9", 0)})


def test_nodes_and_inputs_may_refuse() -> None:
    closed = {"ue_properties": {"input_ue_unconnectable": {"model": True}}}
    nodes = [loader(), sending(), sampler(3, properties={"rejects_ue_links": True}), sampler(4, properties=closed)]
    file = drawn(*nodes, links=[MODEL])
    assert (fed(file, 3), fed(file, 4)) == ({}, {})


def test_any_node_may_send_its_outputs_except_those_it_keeps() -> None:
    kept = {"ue_properties": {"version": "7.5", "output_not_broadcasting": {"CLIP": True}}, "ue_convert": True}
    encoder = node(5, "CLIPTextEncode", "clip:CLIP")
    file = drawn({**loader(), "properties": kept}, sampler(3), encoder)
    assert (fed(file, 3), fed(file, 5)) == ({"model": ("1", 0)}, {})


def test_the_links_noted_in_the_file_count_and_not_the_rules() -> None:
    noted = {
        "downstream": 4,
        "downstream_slot": 0,
        "upstream": "1",
        "upstream_slot": 0,
        "controller": 2,
        "type": "MODEL",
    }
    file = drawn(loader(), sending(), sampler(3), sampler(4), links=[MODEL], extra={"ue_links": [noted]})
    assert (fed(file, 3), fed(file, 4)) == ({}, {"model": ("1", 0)})


@pytest.mark.parametrize("change", [{"downstream": 77}, {"downstream_slot": 1}, {"controller": 3}, {"upstream": "x"}])
def test_noted_links_that_fit_no_more_give_way_to_the_rules(change: dict[str, Any]) -> None:
    noted = {"downstream": 3, "downstream_slot": 0, "upstream": 1, "upstream_slot": 0, "controller": 2, "type": "MODEL"}
    file = drawn(loader(), sending(), sampler(3), links=[MODEL], extra={"ue_links": [{**noted, **change}, 7]})
    assert fed(file, 3) == {"model": ("1", 0)}


def test_senders_in_a_subgraph_feed_its_nodes_and_outputs_only() -> None:
    inner = {
        "id": "s",
        "name": "S",
        "nodes": [sending(), sampler(3)],
        "inputs": [{"name": "model", "type": "MODEL"}],
        "outputs": [{"name": "model", "type": "MODEL"}],
        "links": [{"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 2, "target_slot": 0, "type": "MODEL"}],
    }
    inner["nodes"][0]["inputs"][0]["link"] = 1  # type: ignore[index]  # the literal is mixed
    file = drawn(sampler(3), definitions={"subgraphs": [inner]})
    graph = file.definitions["s"]
    links = [link for link in graph.links.values() if link.id != "1"]
    assert [(link.origin, link.target, link.target_slot) for link in links] == [("-10", "3", 0), ("-10", "-20", 0)]
    assert fed(file, 3) == {}
