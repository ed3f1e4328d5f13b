"""From file to Workflow: what is told, what is left open, what is filled in."""

from datetime import datetime

from engine.catalogue.catalogue import Catalogue
from engine.editor.translating import Options, translate
from tests.editor.drawn import graph, node, subgraph

CLASSES = Catalogue()


def workflow(raw, **options):
    return translate("file.json", raw, CLASSES, Options(**options))


def test_the_first_note_says_what_was_recognised():
    raw = graph(node(1, "s"), node(2, "Note"), subgraphs=[subgraph("s", node(1, "EmptyLatentImage"))])
    assert workflow(raw).notes[0] == "the editor's format 0.4: 2 nodes and 1 subgraph became 1 node that runs"


def test_titles_are_the_given_ones_or_those_that_the_editor_shows():
    made = workflow(graph(node(1, "VAEDecode"), node(2, "VAEDecode", title="Mine"), node(3, "Nowhere"))).prompt
    assert [each.title for each in made.nodes.values()] == ["VAE Decode", "Mine", "Nowhere"]


def test_the_same_said_of_many_nodes_is_one_note():
    raw = graph(*(node(n, "VAEDecode", ("samples", "LATENT", 99)) for n in range(1, 8)))
    (note,) = [note for note in workflow(raw).notes if "table of links" in note]
    assert note.startswith("1 VAE Decode, 2 VAE Decode, 3 VAE Decode and 4 more: ")


def test_choices_are_made_by_the_seed_and_told():
    raw = graph(node(1, "CLIPTextEncode", widgets_values=["a {red|green|blue} cat // really"]))
    one, again = workflow(raw, seed=3), workflow(raw, seed=3)
    text = one.prompt.nodes["1"].inputs["text"]
    assert text == again.prompt.nodes["1"].inputs["text"]
    assert text.strip() in {"a red cat", "a green cat", "a blue cat"}
    assert any("chose" in note for note in one.notes)
    assert any("comment" in note for note in one.notes)


def test_without_a_seed_prompts_stay_as_they_are():
    raw = graph(node(1, "CLIPTextEncode", widgets_values=["{a|b} // c"]))
    assert workflow(raw, seed=None).prompt.nodes["1"].inputs["text"] == "{a|b} // c"


def test_file_names_take_dates_and_values_of_nodes_by_name_and_by_title():
    raw = graph(
        node(1, "EmptyLatentImage", widgets_values=[640, 480, 1], properties={"Node name for S&R": "Size"}),
        node(2, "EmptyLatentImage", widgets_values=[320, 480, 1], title="Other"),
        node(3, "SaveImage", widgets_values=["%date:yyyy-MM%/%Size.width%_%Other.width%_%None.width%"]),
    )
    made = workflow(raw, now=datetime(2026, 3, 4))
    assert made.prompt.nodes["3"].inputs["filename_prefix"] == "2026-03/640_320_%None.width%"
    assert any("became" in note for note in made.notes)


def test_lists_are_wrapped_so_that_they_are_no_links():
    made = workflow(graph(node(1, "KSampler", widgets_values=[["1", 0], "fixed", 20])))
    assert made.prompt.nodes["1"].inputs["seed"] == {"__value__": ["1", 0]}


def test_modes_of_seeds_are_kept_for_the_next_run():
    made = workflow(graph(node(1, "KSampler", widgets_values=[5, "increment", 20, 8, "euler", "normal", 1])))
    (control,) = made.controls
    assert (control.node, control.field, control.mode) == ("1", "seed", "increment")
    assert made.prompt.nodes["1"].inputs["seed"] == 5


def test_a_subgraph_saved_alone_is_a_building_block_with_open_inputs():
    part = subgraph(
        "s",
        node(1, "VAEDecode", ("samples", "LATENT", 1), ("vae", "VAE", 2), outputs=("IMAGE",)),
        links=[[1, -10, 0, 1, 0, "LATENT"], [2, -10, 1, 1, 1, "VAE"], [3, 1, 0, -20, 0, "IMAGE"]],
        inputs=[("samples", "LATENT", [1]), ("vae", "VAE", [2])],
        outputs=[("image", "IMAGE", [3])],
    )
    made = workflow(graph(node(9, "s", ("samples", "LATENT", None), outputs=("IMAGE",)), subgraphs=[part]))
    assert made.building_block
    assert made.open_inputs == {"9:1": ["samples", "vae"]}
    beside = graph(node(9, "s"), node(8, "EmptyLatentImage"), subgraphs=[part])
    assert not workflow(beside).building_block
