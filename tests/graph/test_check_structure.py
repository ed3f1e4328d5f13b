"""What check says of a graph as a whole."""

from engine.graph.check import examine
from engine.plugins.registry import Registry
from tests import toys
from tests.graph.fakes import TOYS, FakeFolders, codes, node, problems, workflow


def ring(count, first="0"):
    names = [first, *(str(index) for index in range(1, count))]
    nodes = {name: node("ToyPass", token=[names[index - 1], 0]) for index, name in enumerate(names)}
    return {**nodes, "keep": node("ToyKeep", token=[first, 0])}


def test_cycle_names_its_members_once():
    (found,) = problems(ring(3))
    assert found.code == "cycle"
    assert found.said == "these nodes wait for each other: 0 ToyPass → 1 ToyPass → 2 ToyPass → 0 ToyPass."


def test_knot_of_many_cycles_is_one_problem():
    nodes = {str(i): node("ToyMerge", first=[str((i + 1) % 4), 0], second=[str((i + 2) % 4), 0]) for i in range(4)}
    (found,) = problems({**nodes, "keep": node("ToyKeep", token=["0", 0])})
    assert found.code == "cycle"
    assert "more nodes are tied into the same knot" in found.said


def test_two_knots_are_two_problems():
    other = {f"b{name}": node("ToyPass", token=[f"b{1 - int(name)}", 0]) for name in "01"}
    nodes = {**ring(2), **other, "keep2": node("ToyKeep", token=["b0", 0])}
    assert codes(nodes) == ["cycle", "cycle"]


def test_long_cycle_is_found_without_recursion_and_told_shortly():
    (found,) = problems(ring(5_000))
    assert found.code == "cycle"
    assert len(found.said) < 400


def test_long_chain_is_checked_without_recursion():
    assert problems(toys.chain(5_000)) == []


def test_graph_without_nodes_is_empty():
    assert codes({}) == ["empty-graph"]


def test_graph_that_writes_nothing_has_no_output_and_is_checked_all_the_same():
    assert codes({"1": node("ToyNumber", value="x")}) == ["no-output", "wrong-type"]


def test_one_bad_output_of_two_is_told():
    nodes = {"a": node("ToyNumber", value=1), "good": node("ToyShow", value=["a", 0]), "bad": node("ToyShow")}
    assert codes(nodes) == ["missing-input"]


def test_nodes_no_output_needs_are_skipped_with_a_note():
    nodes = {"a": node("ToyNumber", value="bad"), "show": node("ToyShow", value=1)}
    checked = examine(workflow(nodes), TOYS, FakeFolders())
    assert checked.problems == []
    assert checked.notes == ["skipped, because no output needs them: a ToyNumber"]


def test_noise_is_told_in_a_note():
    checked = examine(workflow({"show": node("ToyShow", value=1, upload="image")}), TOYS, FakeFolders())
    assert checked.notes == ["ignored inputs that no node reads: 'upload'"]


def test_lazy_inputs_are_checked_too():
    nodes = {
        "a": node("ToyNumber", value="bad"),
        "s": node("ToySwitch", switch=False, on_true=["a", 0], on_false=1),
        "show": node("ToyShow", value=["s", 0]),
    }
    assert codes(nodes) == ["wrong-type"]


def test_unknown_class_is_told_even_where_nothing_reads_it():
    (found,) = problems({"a": node("Unheard"), "show": node("ToyShow", value=1)})
    assert (found.code, found.found) == ("unknown-class", "Unheard")


def test_unknown_class_known_to_write_nothing_is_skipped_where_nothing_reads_it():
    assert problems({"a": node("ImageScale"), "show": node("ToyShow", value=1)}) == []


def test_what_an_unknown_class_reads_is_checked():
    assert codes({"a": node("ToyNumber", value="x"), "b": node("Unheard", i=["a", 0])}) == [
        "wrong-type",
        "unknown-class",
    ]


def test_unknown_class_names_the_nearest():
    (found,) = problems({"a": node("ToyNumbr", value=1), "show": node("ToyShow", value=["a", 0])})
    assert "'ToyNumber'" in found.fix


def test_unknown_class_of_a_known_pack_names_it():
    (found,) = problems({"a": node("UnetLoaderGGUF"), "show": node("ToyShow", value=["a", 0])})
    assert "ComfyUI-GGUF (https://github.com/city96/ComfyUI-GGUF)" in found.said


def test_unknown_class_names_the_pack_that_the_editor_graph_tells():
    editor = {"nodes": [{"type": "Unheard", "properties": {"aux_id": "someone/SomePack"}}, 5, {"type": 5}]}
    (found,) = problems({"a": node("Unheard")}, editor=editor)
    assert "'someone/SomePack'" in found.said


def test_unknown_class_names_the_pack_that_its_node_tells():
    nodes = {"a": {**node("Unheard"), "_meta": {"cnr_id": "some-pack"}}}
    assert "'some-pack'" in problems(nodes)[0].said


def test_unknown_class_names_packs_that_failed_to_load():
    registry = Registry(TOYS.specs, {"broken": "ImportError: no module"})
    (found,) = examine(workflow({"a": node("Unheard")}), registry, FakeFolders()).problems
    assert "broken" in found.fix


def test_problems_carry_file_title_and_class():
    (found,) = problems({"1": node("ToyShow", title="My picture")})
    assert (found.file, found.node, found.title, found.class_type) == ("test.json", "1", "My picture", "ToyShow")


def test_every_problem_can_be_written_as_json():
    nodes = {"\x1b[31m": node("ToyShow", value=float("nan")), "b" * 5000: node("c" * 5000, **{"d" * 5000: 10**400})}
    for found in problems(nodes):
        assert len(found.model_dump_json()) < 5000


def test_each_unknown_class_is_told_once_with_all_its_nodes():
    nodes = {str(index): node("Unheard" if index % 2 else "Unseen") for index in range(30)}
    first, second = problems(nodes)
    assert (first.node, first.found, second.node, second.found) == ("0", "Unseen", "1", "Unheard")
    assert first.also == [str(index) for index in range(2, 30, 2)]
    assert "14 more nodes are of this class: 2, 4, 6, 8, 10, 12, 14, 16, 18, 20 and 4 more." in first.said
    assert "other" not in problems({"1": node("Unheard")})[0].said
    assert "1 more node is of this class: 2." in problems({"1": node("Unheard"), "2": node("Unheard")})[0].said


def test_packs_are_found_inside_subgraphs_too():
    inner = {"nodes": [{"type": "Unheard", "properties": {"cnr_id": "a-pack"}}]}
    (found,) = problems({"5:1": node("Unheard")}, editor={"nodes": [], "definitions": {"subgraphs": [inner]}})
    assert "'a-pack'" in found.said


def block(nodes, **opened):
    return workflow(nodes).model_copy(update={"building_block": True, "open_inputs": opened})


def test_a_building_block_needs_no_output_and_nothing_for_what_it_leaves_open():
    nodes = {"a": node("ToyPass"), "b": node("ToyNumber", value="x"), "c": node("ToyPass", token=["a", 0])}
    codes = [problem.code for problem in examine(block(nodes, a=["token"]), TOYS, FakeFolders()).problems]
    assert codes == ["wrong-type"]
    assert [problem.field for problem in examine(block(nodes), TOYS, FakeFolders()).problems] == ["token", "value"]


def test_all_nodes_of_a_building_block_are_checked_even_if_it_shows_something():
    nodes = {"show": node("ToyShow", value=1), "b": node("ToyNumber", value="x")}
    assert [problem.node for problem in examine(block(nodes), TOYS, FakeFolders()).problems] == ["b"]


def test_a_building_block_cannot_run():
    (found,) = examine(block({"show": node("ToyShow", value=1)}), TOYS, FakeFolders(), to_run=True).problems
    assert (found.code, "building block" in found.said) == ("no-output", True)


def test_inputs_of_unknown_classes_may_have_dotted_names():
    nodes = {"1": node("Unheard", **{"images.image0": ["2", 0], "format": "png", "format.depth": 8})}
    assert codes(nodes | {"2": node("ToyNumber", value=1)}) == ["unknown-class"]
