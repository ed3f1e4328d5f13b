"""Random graphs with reroutes, bypasses, named values, primitives and nested subgraphs equal their flat twins."""

import random
from typing import Any

import pytest

from engine.editor.translating import translate
from tests.editor import twins


def _flat(name: str) -> str:
    """The node's own id, without those of the subgraphs around it."""
    return name.rpartition(":")[2]


def _flattened(prompt: dict[str, Any]) -> dict[str, Any]:
    made = {}
    for name, node in prompt.items():
        inputs = {
            key: [_flat(value[0]), value[1]] if isinstance(value, list) else value
            for key, value in node["inputs"].items()
        }
        made[_flat(name)] = {"class_type": node["class_type"], "inputs": inputs}
    return made


@pytest.mark.parametrize("seed", range(150))
def test_a_drawing_gives_the_prompt_that_it_was_made_from(seed):
    chance = random.Random(seed)
    made = twins.prompt(chance, chance.randrange(2, 25))
    drawing = twins.drawn(made, chance)
    for _ in range(chance.randrange(4)):
        twins.lead_astray(drawing, chance.randrange(6))
        twins.write_by_primitives(drawing, chance.randrange(3))
        twins.wrap(drawing)
    twins.lead_astray(drawing, chance.randrange(4))
    workflow = translate("twin", twins.document(drawing), twins.Classes())
    assert _flattened(workflow.prompt.as_json()) == made


def test_drawings_have_subgraphs_in_subgraphs_promoted_values_and_every_detour():
    seen = set()
    for seed in range(150):
        chance = random.Random(seed)
        drawing = twins.drawn(twins.prompt(chance, 20), chance)
        for _ in range(3):
            twins.lead_astray(drawing, 4)
            twins.write_by_primitives(drawing, 2)
            twins.wrap(drawing)
        file = twins.document(drawing)
        identities = {part["id"] for part in file["definitions"]["subgraphs"]}
        for part in file["definitions"]["subgraphs"]:
            seen |= {"nested" for node in part["nodes"] if node["type"] in identities}
            seen |= {
                node["type"] for node in part["nodes"] if node["mode"] in (0, 4) and node["type"] not in identities
            }
            seen |= {"promoted" for node in part["nodes"] if node["type"] in identities and node["widgets_values"]}
    assert {"nested", "promoted", "Reroute", "GetNode", "PassMODEL", "PrimitiveNode"} <= seen
