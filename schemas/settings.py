"""Settings: where models and pictures are, and what a run may use.

Each comes from the first place that has it: what the caller gives (the command line, or keyword arguments), the
environment (`COMFYLESS_THREADS=4`; lists of folders parted as in PATH), `comfyless.toml` in the working folder, the
same in the user's configuration folder (`$XDG_CONFIG_HOME/comfyless`, else `~/.config/comfyless`), the default.
Relative paths in a TOML file are relative to that file. A key or variable that means nothing is an error, never
silently ignored.
"""

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from schemas.report import Problem

ENVIRONMENT_PREFIX = "COMFYLESS_"
FILE_NAME = "comfyless.toml"

_UNITS = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?", re.IGNORECASE)


def as_bytes(value: Any) -> Any:
    """A size in bytes: a number, or text such as "12G", "12 GiB", "800M". GB is 10^9 bytes; G and GiB are 2^30."""
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if isinstance(value, str) and match is None:
        raise PydanticCustomError("size", "is no size such as 12G, 12GiB or 800M")
    if match is None:
        return value
    unit = _UNITS[match[2].lower()]
    if (match[3] or "").lower() == "b" and match[2]:
        unit = 1000 ** round(unit.bit_length() / 10)
    return int(float(match[1]) * unit)


def as_paths(value: Any) -> Any:
    """A list of paths from one text, parted as in PATH."""
    return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value


def _is_folder(path: Path) -> Path:
    if not path.is_dir():
        raise PydanticCustomError("folder", "is no folder" if path.exists() else "does not exist")
    return path


def _is_file(path: Path) -> Path:
    if not path.is_file():
        raise PydanticCustomError("file", "is no file" if path.exists() else "does not exist")
    return path


ByteCount = Annotated[int, BeforeValidator(as_bytes), Field(ge=0)]
HomePath = Annotated[Path, AfterValidator(Path.expanduser)]
Folders = Annotated[list[Annotated[HomePath, AfterValidator(_is_folder)]], NoDecode, BeforeValidator(as_paths)]
Files = Annotated[list[Annotated[HomePath, AfterValidator(_is_file)]], NoDecode, BeforeValidator(as_paths)]

DEVICES = "auto, cpu, cuda, cuda:N or mps"
TYPES = "auto, fp32, bf16 or fp16"
SIZE = "a size such as 12G, 12GiB or 800M"


def _models_here() -> list[Path]:
    return [path for path in (Path("models"),) if path.is_dir()]


class Settings(BaseSettings):
    """What every part of the program asks about its surroundings. Raises pydantic's ValidationError; see `problems_of`.

    models: ComfyUI's models folders, searched in order; `models` if there is one. extra_model_paths: YAML files in
    ComfyUI's format. object_info: what running ComfyUIs answer to GET /object_info, to read editors' files with the
    schemas of their packs; a later file counts before an earlier one. input, output, temp: ComfyUI's folders of these
    names. threads: None leaves the choice to the libraries. ram, vram: bytes that weights may take beside their mapped
    files, and on an accelerator; None: no limit, and what is free there. memory_cache: bytes that outputs of nodes may
    take in memory. cache: the folder of outputs kept on disk, shared by processes; "off" for none; None: as the verb
    has it. cache_size: bytes that it may take.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, validate_default=False
    )

    models: Folders = Field(default_factory=_models_here, description="folders that exist")
    extra_model_paths: Files = Field(default=[], description="YAML files that exist, in the format of ComfyUI's")
    object_info: Files = Field(default=[], description="JSON files that exist, as ComfyUI answers to /object_info")
    input: HomePath = Field(default=Path("input"), description="a folder")
    output: HomePath = Field(default=Path("output"), description="a folder")
    temp: HomePath = Field(default=Path("temp"), description="a folder")
    device: str = Field(default="auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description=DEVICES)
    dtype: Literal["auto", "fp32", "bf16", "fp16"] = Field(default="auto", description=TYPES)
    threads: int | None = Field(default=None, ge=1, le=4096, description="a whole number from 1")
    ram: ByteCount | None = Field(default=None, description=SIZE)
    vram: ByteCount | None = Field(default=None, description=SIZE)
    memory_cache: ByteCount = Field(default=2 * 2**30, description=SIZE)
    cache: Literal["off"] | HomePath | None = Field(default=None, description="a folder, or off")
    cache_size: ByteCount = Field(default=20 * 2**30, description=SIZE)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The places to look, first one first."""
        files = (InitSettingsSource(settings_cls, read_toml(path)) for path in settings_files())
        return (init_settings, env_settings, InitSettingsSource(settings_cls, unknown_variables()), *files)


def unknown_variables() -> dict[str, Any]:
    """COMFYLESS_* variables that no setting has, as settings, so that validation names them."""
    prefix = ENVIRONMENT_PREFIX.lower()
    names = (name.lower().removeprefix(prefix) for name in os.environ if name.lower().startswith(prefix))
    return {name: "" for name in names if name not in Settings.model_fields}


def settings_files() -> list[Path]:
    """The settings files there are, first one first."""
    user = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "comfyless"
    return [path for path in (Path(FILE_NAME), user / FILE_NAME) if path.is_file()]


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's settings, relative paths made relative to it. Raises ValidationError if it cannot be read."""
    import tomllib  # takes longer to import than most folders, which have no such file, deserve

    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        said = PydanticCustomError("toml", "cannot be read: {why}", {"why": str(error)})
        raise ValidationError.from_exception_data("Settings", [InitErrorDetails(type=said, input=str(path))]) from error
    for name in ("models", "extra_model_paths", "object_info", "input", "output", "temp", "cache"):
        if values.get(name, "off") != "off":
            values[name] = _beside(path, values[name])
    return values


def _beside(file: Path, value: Any) -> Any:
    if isinstance(value, list):
        return [_beside(file, item) for item in value]
    return file.parent / Path(value).expanduser() if isinstance(value, str) else value


def problems_of(error: ValidationError, given: Mapping[str, str]) -> list[Problem]:
    """What is wrong with settings, all of it, each with the place that the value came from.

    given: how the caller names what it gave, by setting ({"threads": "--threads"}).
    """
    return [_problem(detail, given) for detail in error.errors(include_url=False)]


def _problem(detail: ErrorDetails, given: Mapping[str, str]) -> Problem:
    if not detail["loc"]:
        path = str(detail["input"])
        return Problem(
            code="bad-setting", file=path, said=f"{path} {detail['msg']}.", fix="Correct or remove the file."
        )
    name = str(detail["loc"][0])
    place, file = _place_of(name, given)
    if name not in Settings.model_fields:
        near = get_close_matches(name, Settings.model_fields, 1)
        fix = f"Did you mean {near[0]!r}?" if near else f"Known are {', '.join(Settings.model_fields)}."
        return Problem(code="bad-setting", file=file, field=name, said=f"{place} is no setting.", fix=fix)
    found = detail["input"] if isinstance(detail["input"], str | int | float | bool) else str(detail["input"])
    own = detail["type"] in ("size", "folder", "file")
    said = f"{place}: {found!r} {detail['msg'] if own else 'does not fit'}."
    fix = f"Give {Settings.model_fields[name].description}."
    return Problem(code="bad-setting", file=file, field=name, found=found, said=said, fix=fix)


def _place_of(name: str, given: Mapping[str, str]) -> tuple[str, str | None]:
    """How the place that a setting came from calls it, and the settings file if it is one."""
    variable = f"{ENVIRONMENT_PREFIX}{name.upper()}"
    if name in given:
        return given[name], None
    if variable in {key.upper() for key in os.environ}:
        return variable, None
    path = next((path for path in settings_files() if name in read_toml(path)), None)
    return f"{name} in {path}" if path else name, str(path) if path else None
