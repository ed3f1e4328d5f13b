"""Nodes with groups and options: what they are handed, and what their keys depend on."""

from schemas.node import Expansion, NodeSpec, OutputSpec
from schemas.sockets import ANY
from tests.running.house import House, node, ran, show, shown


def gather(**items):
    return node("ToyGather", **{f"numbers.{name}": value for name, value in items.items()})


def test_a_group_arrives_as_one_mapping_in_the_groups_order(house):
    numbers = {"1": node("ToyNumber", value=1), "2": node("ToyNumber", value=2)}
    house.run(numbers | {"g": gather(n3=["1", 0], n1=5, n0=["2", 0]), "show": show("g")})
    assert shown() == {"show": (("n0", 2), ("n1", 5), ("n3", 1))}


def test_a_list_that_flows_into_a_group_makes_several_calls(house):
    house.run({"r": node("ToyRange", count=2), "g": gather(n0=["r", 0], n1=7), "show": show("g")})
    assert ran().count("g") == 2


def test_the_chosen_option_arrives_as_its_record(house):
    house.run({"f": node("ToyForm", form="sized", **{"form.size": 3}), "show": show("f")})
    assert shown() == {"show": ("Sized", 3, "none")}
    painted = node("ToyForm", form="painted", **{"form.colour": "red", "form.token": ["p", 0], "form.size": 3})
    house.run({"p": node("ToySource", name="p"), "f": painted, "show": show("f")})
    assert shown()["show"][:2] == ("Painted", "red")


def test_only_what_is_read_is_in_the_key(house):
    form = {"form": "sized", "form.size": 3}
    house.run({"f": node("ToyForm", **form), "show": show("f")})
    house.run({"f": node("ToyForm", **form, **{"form.colour": "blue"}), "show": show("f")})
    assert "f" not in ran()
    house.run({"f": node("ToyForm", form="sized", **{"form.size": 4}), "show": show("f")})
    assert "f" in ran()


def test_another_item_of_a_group_is_another_key(house):
    house.run({"g": gather(n0=1, n1=2), "show": show("g")})
    house.run({"g": gather(n0=1, n1=2, n2=2), "show": show("g")})
    assert "g" in ran()


def test_a_graph_that_a_node_gives_may_use_both(tmp_path):
    nodes = {"g": gather(n0=1, n1=["f", 0]), "f": node("ToyForm", form="sized", **{"form.size": 1})}
    spec = NodeSpec("Giver", {}, (OutputSpec("ANY", ANY),), lambda values, context: Expansion(nodes, (["g", 0],)))
    House(tmp_path, spec).run({"giver": node("Giver"), "show": show("giver")})
    assert shown() == {"show": (("n0", 1), ("n1", ("Sized", 1, "none")))}
