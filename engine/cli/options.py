"""Options that several verbs share, and how they become settings."""

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from schemas.settings import Settings

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_SETTINGS = (
    ("models", "DIR", "a models folder as ComfyUI has it (default: models, if there is one; may be repeated)"),
    ("extra-model-paths", "YAML", "a file in the format of ComfyUI's extra_model_paths.yaml (may be repeated)"),
    ("object-info", "JSON", "what your ComfyUI answers to /object_info: the classes of its packs (may be repeated)"),
    ("input", "DIR", "the folder of pictures to load (default: input)"),
    ("output", "DIR", "the folder to write pictures to (default: output)"),
    ("temp", "DIR", "the folder to write previews to (default: temp)"),
    ("device", "NAME", "auto, cpu, cuda, cuda:N or mps (default: auto)"),
    ("dtype", "TYPE", "what to compute in: auto, fp32, bf16 or fp16 (default: auto)"),
    ("threads", "N", "processor threads (default: the libraries' choice)"),
    ("ram", "SIZE", "memory that models may take beside their files, such as 12G (default: no limit)"),
    ("vram", "SIZE", "memory of an accelerator that models may take (default: what is free, less 2G to compute in)"),
    ("memory-cache", "SIZE", "memory for results that later files may use again (default: 2G)"),
    ("cache", "DIR", "keep results in this folder too, for later processes, or off (default: on for watch and batch)"),
    ("cache-size", "SIZE", "disk space that the cache may take (default: 20G)"),
)
_REPEATED = ("models", "extra-model-paths", "object-info")

PLACES = ("models", "extra-model-paths", "input")
"""What a verb needs to know where files are."""
READING = (*PLACES, "object-info")
"""What a verb needs to know where files are, and to read graphs."""
CACHES = ("memory-cache", "cache", "cache-size")
"""What says how much is kept, and where."""
RUNNING = (*READING, "output", "temp", "device", "dtype", "threads", "ram", "vram", *CACHES)
"""What a verb needs to run nodes."""


def add_verb(
    verbs: Verbs, run: Callable[[argparse.Namespace], int], help: str, description: str
) -> argparse.ArgumentParser:
    """Offer a verb, named as the function that carries it out. help: a phrase for the list of verbs."""
    parser = verbs.add_parser(run.__name__, help=help, description=description, allow_abbrev=False)
    parser.set_defaults(verb=run)
    return parser


def add_settings(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    """Offer these settings as options. Their values stay text: settings from all places are checked together."""
    group = parser.add_argument_group("settings", "Also from COMFYLESS_* variables and comfyless.toml.")
    for name, value, said in _SETTINGS:
        if name in names:
            action = "append" if name in _REPEATED else "store"
            group.add_argument(f"--{name}", metavar=value, action=action, help=said)


def add_files(parser: argparse.ArgumentParser) -> None:
    """Take workflow files, and changes to them."""
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help="a graph as ComfyUI saves or exports it, or a PNG, WebP or JPEG picture with one; - is standard input",
    )
    add_sets(parser)


def add_sets(parser: argparse.ArgumentParser) -> None:
    """Take changes to a workflow."""
    parser.add_argument(
        "--set",
        metavar="NODE.FIELD=VALUE",
        dest="sets",
        action="append",
        default=[],
        help="change a value first; NODE is an id, or a title or class that only one node has (may be repeated)",
    )


def add_manner(parser: argparse.ArgumentParser, quiet: bool = True) -> None:
    """Take how to speak. quiet: whether there is anything to be quiet about."""
    parser.add_argument("--json", action="store_true", help="write JSON lines to standard output")
    if quiet:
        parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but what is wrong")


def settings_of(arguments: argparse.Namespace) -> "Settings":
    """The settings of a command. Raises GraphInvalid with every bad one, wherever it came from."""
    from pydantic import ValidationError

    from engine.errors import GraphInvalid
    from schemas.settings import Settings, problems_of

    options = {name.replace("-", "_"): f"--{name}" for name, _, _ in _SETTINGS}
    given = {name: value for name in options if (value := getattr(arguments, name, None)) is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise GraphInvalid(problems_of(error, {name: options[name] for name in given})) from error


def whole(text: str) -> int:
    """A number from 0, as an option's value."""
    if text.isascii() and text.isdecimal():
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number. Give a whole number from 0.")
