"""Graphs of many shapes: base-model loaders among nodes of unknown classes, in API format and in the editor's."""

from typing import Any

from hypothesis import strategies as st

CONTROL = "what the editor does with the seed after a run"
"""A widget that is no input."""
OUTPUTS = {
    "CheckpointLoaderSimple": ("MODEL", "CLIP", "VAE"),
    "CheckpointLoaderNF4": ("MODEL", "CLIP", "VAE"),
    "UNETLoader": ("MODEL",),
    "UNETLoaderNF4": ("MODEL",),
    "UnetLoaderGGUF": ("MODEL",),
    "UnetLoaderGGUFAdvanced": ("MODEL",),
    "DualCLIPLoader": ("CLIP",),
    "VAELoader": ("VAE",),
}
WIDGETS = {
    "CheckpointLoaderSimple": ("ckpt_name",),
    "CheckpointLoaderNF4": ("ckpt_name",),
    "UNETLoader": ("unet_name", "weight_dtype"),
    "UNETLoaderNF4": ("unet_name", "bnb_dtype"),
    "UnetLoaderGGUF": ("unet_name",),
    "UnetLoaderGGUFAdvanced": ("unet_name", "dequant_dtype", "patch_dtype", "patch_on_device"),
    "DualCLIPLoader": ("clip_name1", "clip_name2", "type", "device"),
    "VAELoader": ("vae_name",),
    "KSampler": ("seed", CONTROL, "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "CLIPTextEncode": ("text",),
    "FluxGuidance": ("guidance",),
    "EmptySD3LatentImage": ("width", "height", "batch_size"),
    "VAEDecode": (),
    "SaveImage": ("filename_prefix",),
}
"""As ComfyUI 0.3.64 and the node packs have them, in the editor's order."""
LOADERS = (
    ("CheckpointLoaderSimple", "fp8", {"ckpt_name": "flux1-dev-fp8.safetensors"}),
    ("CheckpointLoaderSimple", "bf16", {"ckpt_name": "sub/flux-mine.safetensors"}),
    ("CheckpointLoaderNF4", "nf4", {"ckpt_name": "flux1-dev-bnb-nf4-v2.safetensors"}),
    ("UNETLoader", "fp8", {"unet_name": "flux1-dev-fp8-e4m3fn.safetensors", "weight_dtype": "default"}),
    ("UNETLoader", "fp8:e5m2", {"unet_name": "flux1-dev.safetensors", "weight_dtype": "fp8_e5m2"}),
    ("UNETLoaderNF4", "nf4:v1", {"unet_name": "flux1-dev-bnb-nf4.safetensors", "bnb_dtype": "nf4"}),
    ("UnetLoaderGGUF", "gguf:Q4_K_S", {"unet_name": "flux1-dev-Q4_K_S.gguf"}),
    (
        "UnetLoaderGGUFAdvanced",
        "gguf",
        {"unet_name": "a-Q8_0.gguf", "dequant_dtype": "target", "patch_dtype": "default", "patch_on_device": True},
    ),
)
"""Class, storage type and widgets."""
TYPES = ("nf4", "nf4:v1", "gguf", "gguf:Q4_K_S", "fp8", "fp8:scaled", "bf16")
TITLES = st.sampled_from([None, "Load Checkpoint", "a title of my own", "UnetLoaderGGUF"])


@st.composite
def api_graphs(draw: st.DrawFn) -> dict[str, Any]:
    """An API document: one to three loaders, readers of unknown classes, some inputs linked, ids with gaps."""
    ids = draw(st.lists(st.integers(1, 60), min_size=2, max_size=9, unique=True))
    count = draw(st.integers(1, min(3, len(ids) - 1)))
    graph: dict[str, Any] = {}
    sources: list[tuple[str, int]] = []
    for number in ids[:count]:
        class_type, _, values = draw(st.sampled_from(LOADERS))
        graph[str(number)] = {"class_type": class_type, "inputs": dict(values)}
        sources += [(str(number), slot) for slot in range(len(OUTPUTS[class_type]))]
    for number in ids[count:]:
        chosen = draw(st.lists(st.sampled_from(sources), max_size=4))
        inputs: dict[str, Any] = {f"in{at}": list(source) for at, source in enumerate(chosen)}
        inputs["x"] = draw(st.sampled_from(["text", 3, 0.5, True]))
        graph[str(number)] = {"inputs": inputs, "class_type": "MysteryNode"}
        sources.append((str(number), 0))
    for node in graph.values():
        title = draw(TITLES)
        if title is not None:
            node["_meta"] = {"title": title}
    order = draw(st.permutations(list(graph)))
    return {name: graph[name] for name in order}


def outputs_of(class_type: str) -> tuple[str, ...]:
    return OUTPUTS.get(class_type, ("*",))


def as_ui(api: dict[str, Any], objects: bool = False, by_name: bool = False) -> dict[str, Any]:
    """The same graph as an editor would save it. objects: links as schema 1 has them. by_name: widgets as an object."""
    nodes: dict[str, dict[str, Any]] = {}
    for at, (name, node) in enumerate(api.items()):
        values = {key: value for key, value in node["inputs"].items() if not isinstance(value, list)}
        nodes[name] = {
            "id": int(name),
            "type": node["class_type"],
            "pos": [400 * (at % 3), 200 * (at // 3)],
            "size": {"0": 315, "1": 98},
            "flags": {},
            "order": at,
            "mode": 0,
            "inputs": [],
            "outputs": [{"name": wire, "type": wire, "links": None} for wire in outputs_of(node["class_type"])],
            "properties": {"Node name for S&R": node["class_type"], "cnr_id": "comfy-core"},
            "widgets_values": values if by_name else list(values.values()),
        }
        if "_meta" in node:
            nodes[name]["title"] = node["_meta"]["title"]
    links: list[Any] = []
    for name, node in api.items():
        for field, value in node["inputs"].items():
            if isinstance(value, list):
                _link(nodes, links, value, name, field, objects)
    last = max(map(int, api))
    ui: dict[str, Any] = {"nodes": list(nodes.values()), "links": links, "groups": [], "config": {}, "extra": {}}
    if objects:
        return ui | {"version": 1, "state": {"lastNodeId": last, "lastLinkId": len(links), "lastGroupId": 0}}
    return ui | {"version": 0.4, "last_node_id": last, "last_link_id": len(links)}


def _link(
    nodes: dict[str, dict[str, Any]], links: list[Any], value: list[Any], name: str, field: str, objects: bool
) -> None:
    origin, slot = value
    output, number, at = nodes[origin]["outputs"][slot], len(links) + 1, len(nodes[name]["inputs"])
    output["links"] = [*(output["links"] or []), number]
    nodes[name]["inputs"].append({"name": field, "type": output["type"], "link": number})
    row = [number, int(origin), slot, int(name), at, output["type"]]
    keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    links.append(dict(zip(keys, row, strict=True)) if objects else row)
