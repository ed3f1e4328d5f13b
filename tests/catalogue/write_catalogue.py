"""Write engine/catalogue/classes.json: python -m tests.catalogue.write_catalogue

It is made of the dumps of ComfyUI's /object_info in data/object_info.json.xz, and of what corrections.py lays over
them; nothing else is needed. To take in a newer dump, see dumps.py, and give it its row in SOURCES.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.catalogue import catalogue
from engine.catalogue.stored import as_json
from schemas.node_schema import InputSchema, NodeSchema, Option
from tests.catalogue import corrections
from tests.catalogue.believing import believed
from tests.catalogue.dumps import dumps

TABLE = Path(catalogue.__file__).with_name("classes.json")


@dataclass(frozen=True)
class Source:
    """One dump. since: what a class is said to come from that no earlier source has; certain: it is a real dump."""

    stem: str
    since: str
    address: str | None = None
    certain: bool = True


def _pack(name: str, owner: str) -> Source:
    return Source(f"pack_{name}", name, f"https://github.com/{owner}/{name}")


SOURCES = (
    Source("core_0.3.64", "core 0.3.64"),
    Source("core_0.3.75", "core 0.3.75"),
    Source("core_0.33.0", "core 0.33.0"),
    Source("newer_core_reconstructed", "some core newer than 0.33.0", certain=False),
    _pack("ComfyUI-GGUF", "city96"),
    _pack("ComfyUI_bitsandbytes_NF4", "comfyanonymous"),
    _pack("ComfyUI_IPAdapter_plus", "cubiq"),
    _pack("x-flux-comfyui", "XLabs-AI"),
)
"""Oldest first: a class is since the first that has it, and as the last real dump has it."""
NOT_CORE = {"ImageRemoveAlpha+", "AILab_QwenVL"}
"""Classes of other packs that slipped into the reconstruction."""


NEWEST = "core_0.33.0"


def table(found: Mapping[str, Any]) -> str:
    """The table's text: a line per class, by name, as engine.catalogue.catalogue reads it. found: dumps by stem."""
    classes: dict[str, tuple[int, NodeSchema]] = {}
    for number, source in enumerate(SOURCES):
        for name in found[source.stem].keys() - NOT_CORE:
            older = classes.get(name)
            if source.certain or not older:
                schema = believed(name, found[source.stem][name], source.certain)
                classes[name] = older[0] if older else number, schema
    _correct(classes, found)
    sources = _short([(source.since, source.address) for source in SOURCES])
    lines = ",\n".join(
        f"{_short(name)}:{_short([number, as_json(schema)])}" for name, (number, schema) in sorted(classes.items())
    )
    return f'{{"sources":{sources},"classes":{{\n{lines}\n}}}}\n'


def _correct(classes: dict[str, tuple[int, NodeSchema]], found: Mapping[str, Any]) -> None:
    """Lay over the dumps what tests.catalogue.corrections tells, and what the reconstruction knows besides them."""
    for name, stem in corrections.OLDER.items():
        classes[name] = classes[name][0], believed(name, found[stem][name])
    for name, info in corrections.READ.items():
        classes[name] = classes[name][0], believed(name, info)
    for name, inputs in corrections.GAINED.items():
        number, schema = classes[name]
        gained = believed(name, {"input": {"optional": inputs}}).inputs
        kept = tuple(entry for entry in schema.inputs if entry.name not in inputs)
        classes[name] = number, replace(schema, inputs=kept + gained)
    for name, (number, schema) in classes.items():
        classes[name] = number, replace(schema, inputs=tuple(_cleared(name, schema.inputs)))
    for name, info in found["newer_core_reconstructed"].items():
        if name in found[NEWEST]:
            number, schema = classes[name]
            seen = believed(name, info, certain=False).inputs
            surplus = (*corrections.SURPLUS.get(name, ()), *corrections.SHOWN_ONLY.get(name, ()))
            classes[name] = number, replace(schema, inputs=_with_seen(schema.inputs, seen, surplus))


def _cleared(name: str, inputs: tuple[InputSchema, ...]) -> Iterator[InputSchema]:
    """Inputs without what only editors show, and sockets as such."""
    for entry in inputs:
        if entry.name not in corrections.SHOWN_ONLY.get(name, ()):
            yield replace(entry, forced=entry.forced or entry.name in corrections.SOCKETS.get(name, ()))


def _with_seen(
    inputs: tuple[InputSchema, ...], seen: tuple[InputSchema, ...], surplus: tuple[str, ...] = ()
) -> tuple[InputSchema, ...]:
    """Inputs, with widgets and options that only files show behind them."""
    pieced = {entry.name: entry for entry in seen}
    merged = [
        replace(entry, options=_options_with_seen(entry.options, pieced[entry.name].options))
        if entry.options and entry.name in pieced
        else entry
        for entry in inputs
    ]
    names = {entry.name for entry in inputs} | set(surplus)
    new = [
        replace(entry, required=False)
        for entry in seen
        if entry.is_widget and "." not in entry.name and entry.name not in names
    ]
    return (*merged, *new)


def _options_with_seen(options: tuple[Option, ...], seen: tuple[Option, ...]) -> tuple[Option, ...]:
    pieced = {option.key: option.inputs for option in seen}
    known = [replace(option, inputs=_with_seen(option.inputs, pieced.pop(option.key, ()))) for option in options]
    return (*known, *(Option(key, inputs) for key, inputs in pieced.items()))


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    TABLE.write_text(table(dumps()), "utf-8")
