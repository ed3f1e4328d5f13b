"""A job becomes a whole file or none, whoever fails."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from engine.errors import Interrupted, ModelFileInvalid, NotWritten
from engine.quantize import job
from engine.quantize.contract import Job, Order, Piece, Put, Reader, Values
from engine.quantize.gguf_encoding import GgufEncoding
from engine.quantize.gguf_file import GgufFile
from engine.quantize.growing import umask
from engine.quantize.nf4 import Nf4Encoding
from engine.quantize.numbers import row_runs
from engine.quantize.safetensors_file import SafetensorsFile
from engine.quantize.work import Failure
from schemas.quantized import Progress
from tests.quantize.stand_ins import ArrayReader, decoded, gaussian

METADATA = {"general.architecture": "flux"}


class Crooked(NamedTuple):
    """Plain float32, but for one thing that goes wrong."""

    wrong: str = ""
    name: str = "fp32"

    def pieces(self, name: str, shape: tuple[int, ...]) -> tuple[Piece, ...]:
        return GgufEncoding("F32").pieces(name, shape)

    def encode(self, source: Reader, put: Put) -> None:
        if self.wrong == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.wrong == "asked to end":
            os.kill(os.getpid(), signal.SIGTERM)
        if self.wrong == "damaged source":
            raise ModelFileInvalid("a.safetensors", "became shorter.", "Take another.")
        if self.wrong == "full":
            raise OSError(28, "No space left on device", "x.part")
        if self.wrong == "bug":
            raise KeyError("hm")
        if self.wrong != "forgets":
            GgufEncoding("F32").encode(source, put)

    def decode(self, pieces: Any, shape: tuple[int, ...], first: int, last: int) -> Values:
        values = np.array(GgufEncoding("F32").decode(pieces, shape, first, last))
        if self.wrong == "nan":
            values[0, 0] = np.nan
        return values


def job_of(*wrong: str, kind: str = "Q4_K") -> Job:
    """Five matrices of several sizes and a vector; `wrong`: what goes wrong with a last one, if anything."""
    sources = [ArrayReader(f"m{rows}", gaussian(rows, 256, seed=rows)) for rows in (3, 64, 17, 128, 5)]
    orders = [Order(source, GgufEncoding(kind)) for source in sources]
    orders += [Order(ArrayReader("bias", gaussian(7)), GgufEncoding("F32"))]
    orders += [Order(ArrayReader("broken", gaussian(4, 4)), Crooked(each)) for each in wrong]
    return Job(tuple(orders), GgufFile(), METADATA)


@pytest.mark.parametrize("processes", [1, 3])
def test_the_file_is_the_same_whoever_makes_it(tmp_path: Path, processes: int) -> None:
    work = job_of()
    made = job.run(work, tmp_path / "a.gguf", processes=processes)
    data = (tmp_path / "a.gguf").read_bytes()
    assert made.bytes == len(data)
    assert made.tensors == {"gguf:Q4_K": 5, "fp32": 1}
    pieces = [order.encoding.pieces(order.source.name, order.source.shape)[0] for order in work.orders]
    layout = GgufFile().layout(pieces, METADATA)
    assert data.startswith(layout.header)
    for order, piece, start, row in zip(work.orders, pieces, layout.starts, made.errors, strict=True):
        values = order.source.rows(0, order.source.shape[0] if len(order.source.shape) > 1 else 1)
        stored = decoded(order.encoding, [bytearray(data[start : start + piece.bytes])], order.source.shape)
        off = stored.reshape(-1) - values.reshape(-1)
        assert row.name == order.source.name
        assert row.largest == pytest.approx(np.abs(off).max(), rel=1e-6)
        assert row.relative == pytest.approx(np.sqrt(np.mean(off**2) / np.mean(values**2)), rel=1e-4)
    assert os.listdir(tmp_path) == ["a.gguf"]
    mask = umask()
    assert (tmp_path / "a.gguf").stat().st_mode & 0o777 == 0o666 & ~mask


def test_progress_grows_to_the_end(tmp_path: Path) -> None:
    told: list[Progress] = []
    job.run(job_of(), tmp_path / "a.gguf", processes=2, told=told.append)
    assert [each.done for each in told] == sorted(each.done for each in told)
    assert told[-1].done == told[-1].total
    assert told[-1].left in (None, 0.0)


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ("forgets", ValueError, "'broken' comes back from fp32 with an error of 100%"),
        ("nan", ValueError, "'broken' comes back from fp32 with values that are no numbers"),
        ("bug", ValueError, "KeyError: 'hm'"),
        ("damaged source", ModelFileInvalid, r"a.safetensors: became shorter. Take another."),
        ("full", OSError, "No space left"),
    ],
)
def test_an_error_names_the_tensor_and_leaves_nothing(
    tmp_path: Path, processes: int, wrong: str, error: type[Exception], said: str
) -> None:
    (tmp_path / "a.gguf").write_bytes(b"what was there")
    expected = KeyError if wrong == "bug" and processes == 1 else error
    with pytest.raises(expected, match="hm" if expected is KeyError else said):
        job.run(job_of(wrong), tmp_path / "a.gguf", processes=processes)
    assert os.listdir(tmp_path) == ["a.gguf"]
    assert (tmp_path / "a.gguf").read_bytes() == b"what was there"


def test_a_process_that_is_killed_is_an_error_that_names_its_tensor(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the process that stored 'broken' was ended from outside, by signal 9"):
        job.run(job_of("dies"), tmp_path / "a.gguf", processes=2)
    assert os.listdir(tmp_path) == []


def test_a_signal_to_all_processes_is_left_to_the_one_that_started_the_others(tmp_path: Path) -> None:
    assert job.run(job_of("asked to end"), tmp_path / "a.gguf", processes=2).errors[-1].name == "broken"


@pytest.mark.parametrize("processes", [1, 2])
def test_stopping_leaves_nothing(tmp_path: Path, processes: int) -> None:
    with pytest.raises(Interrupted):
        job.run(job_of(), tmp_path / "a.gguf", processes=processes, stop=lambda: True)
    assert os.listdir(tmp_path) == []


def test_no_room_and_no_folder_are_told_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotWritten, match="is no folder"):
        job.run(job_of(), tmp_path / "missing" / "a.gguf")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=10_000))
    with pytest.raises(NotWritten, match=r"needs .* KiB, but .* has 9.8 KiB free"):
        job.run(job_of(), tmp_path / "a.gguf")
    assert os.listdir(tmp_path) == []


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        job.run(job_of(kind="Q8_0"), tmp_path / name, processes=2)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_values_that_are_no_numbers_in_source_and_file_alike_are_no_error(tmp_path: Path) -> None:
    class Verbatim(Crooked):
        def encode(self, source: Reader, put: Put) -> None:
            for first, last in row_runs(source.shape):
                put(0, first * 16, source.rows(first, last))

    values = gaussian(4, 4)
    values[1, 2] = np.nan
    made = job.run(Job((Order(ArrayReader("a", values), Verbatim()),), GgufFile(), METADATA), tmp_path / "a")
    assert (made.errors[0].relative, made.errors[0].largest) == (0.0, 0.0)


@pytest.mark.parametrize("error", [ModelFileInvalid("a", "b.", "c."), OSError(28, "full", "a"), ValueError("bad")])
def test_errors_survive_the_way_between_processes(error: Exception) -> None:
    assert str(Failure.of(error).error()) == str(error)


def test_a_worker_imports_neither_torch_nor_the_callers_program(tmp_path: Path) -> None:
    large = "('torch', 'gguf', 'networkx')"
    code = f"import sys, engine.quantize.worker; print([name for name in {large} if name in sys.modules])"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert ended.stdout.strip() == "[]"


def test_the_error_of_huge_values_is_told(tmp_path: Path) -> None:
    values = gaussian(64, 256)
    values[0, 0] = 1e38
    work = Job((Order(ArrayReader("huge", values), Nf4Encoding(nested=False)),), SafetensorsFile(), {})
    (row,) = job.run(work, tmp_path / "a.safetensors", processes=1).errors
    assert row.largest > 0
    assert np.isfinite(row.relative)
