"""Small graphs in the editor's format."""

from typing import Any


def no_schema(kind: str) -> None:
    return None


def no_values(node: dict[str, Any]) -> None:
    return None


def node(id: Any, kind: str, inputs: list[Any] | None = None, outputs: list[Any] | None = None, **more: Any) -> dict:
    held = {"id": id, "type": kind, "pos": [300 * int(id) if str(id).isdigit() else 0, 0], "size": [200, 100]}
    return {**held, "inputs": inputs or [], "outputs": outputs or [], **more}


def takes(name: str, kind: str, link: int | None, widget: bool = False) -> dict[str, Any]:
    slot = {"name": name, "type": kind, "link": link}
    return {**slot, "widget": {"name": name}} if widget else slot


def gives(kind: str, *links: int) -> dict[str, Any]:
    return {"name": kind, "type": kind, "links": list(links)}


def plain() -> dict[str, Any]:
    """A loader, a decoder and a note, in a group."""
    return {
        "nodes": [
            node(1, "VAELoader", outputs=[gives("VAE", 5)], widgets_values=["ae.safetensors"]),
            node(2, "VAEDecode", [takes("vae", "VAE", 5)], [gives("IMAGE")], title='De"code'),
            node(3, "Note", widgets_values=["read me"], size=[200, 120]),
        ],
        "links": [[5, 1, 0, 2, 0, "VAE"]],
        "groups": [{"title": "all", "bounding": [250, -80, 900, 300], "color": "#a1309b", "font_size": 24}],
        "version": 0.4,
    }


def nested() -> dict[str, Any]:
    """Node 57 stands for "outer", in which 13 stands for "inner", in which 3 is a sampler."""
    inner = {
        "id": "i",
        "name": "inner",
        "nodes": [node(3, "KSampler", [takes("steps", "INT", 1, True)], [gives("LATENT", 2)], widgets_values=[20])],
        "links": [
            {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 3, "target_slot": 0, "type": "INT"},
            {"id": 2, "origin_id": 3, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "LATENT"},
        ],
        "inputs": [{"name": "steps", "type": "INT"}],
        "outputs": [{"name": "LATENT", "type": "LATENT"}],
        "inputNode": {"id": -10, "bounding": [0, 0, 120, 60]},
        "outputNode": {"id": -20, "bounding": [1500, 0, 120, 60]},
    }
    outer = {
        "id": "o",
        "name": "outer",
        "nodes": [node(13, "i", [takes("steps", "INT", None, True)], [gives("LATENT", 9)], widgets_values=[33])],
        "links": [{"id": 9, "origin_id": 13, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "LATENT"}],
        "inputs": [],
        "outputs": [{"name": "LATENT", "type": "LATENT"}],
        "inputNode": {"id": -10, "bounding": [0, 0, 120, 60]},
        "outputNode": {"id": -20, "bounding": [5000, 0, 120, 60]},
    }
    return {
        "nodes": [
            node(57, "o", outputs=[gives("LATENT", 4)], mode=4),
            node(8, "Preview", [takes("samples", "LATENT", 4)], mode=2),
        ],
        "links": [[4, 57, 0, 8, 0, "LATENT"]],
        "definitions": {"subgraphs": [outer, inner]},
    }
