"""The page: one file, whole, closed in itself, and never over anything of anybody else's."""

import os
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from engine.comparing.comparison import Comparison, Pair, compared
from engine.comparing.page import MARK, check_place, factor_for, page, write_page
from engine.comparing.sides import FileFacts, Shot, Side
from engine.errors import GraphInvalid, NotWritten
from schemas.prompt import Prompt
from schemas.report import Peak

HOSTILE = "<script src='https://example.org/x.js'></script>\"&\ud800"


def example(name: str = "b.json", apart: int = 3) -> tuple[Comparison, list[Pair]]:
    a, b = (Prompt.model_validate({"nodes": {"1": {"class_type": "T", "inputs": {"x": x}}}}) for x in ("1", name))
    pixels = np.zeros((16, 16, 3), np.uint8)
    first = Side("a.json", "rendered", [Shot(1, "seed 1", pixels)], a, [FileFacts(name=name, bytes=5)], 2.0, 1.0)
    second = Side(name, "finished", [Shot(1, name, pixels + np.uint8(apart))], b, peak=Peak(ram=2**20))
    return compared(first, second)


class Reader(HTMLParser):
    """Checks that tags close in order, and collects them with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    assert not reader.open
    return reader


def test_the_page_holds_all_pictures_and_asks_for_nothing_else() -> None:
    text = "".join(page(*example()))
    reader = read(text)
    sources = [attributes["src"] or "" for tag, attributes in reader.tags if tag == "img"]
    assert len(sources) == 3
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert {tag for tag, _ in reader.tags}.isdisjoint({"script", "link", "iframe", "object"})
    assert not re.findall(r"https?://|@import|url\(", text)
    assert "default-src 'none'" in text


def test_names_and_values_of_a_graph_cannot_become_markup(tmp_path: Path) -> None:
    write_page(tmp_path / "page.html", *example(HOSTILE))
    reader = read((tmp_path / "page.html").read_text("utf-8"))
    assert "script" not in {tag for tag, _ in reader.tags}


def test_the_scale_of_the_difference_is_said_and_the_largest_that_shows_all() -> None:
    assert "difference ×64" in "".join(page(*example(apart=3)))
    assert [factor_for(example(apart=apart)[1]) for apart in (0, 4, 5, 200)] == [64, 32, 32, 1]


def test_what_is_known_of_only_one_side_is_shown_of_that() -> None:
    text = "".join(page(*example()))
    assert "<th>sampling</th><td>1.00 s</td><td><span class=soft>not known</span></td>" in text
    assert "1.0 MiB, private" in text


def test_a_page_of_ours_is_written_over_and_nothing_else_is(tmp_path: Path) -> None:
    ours, other = tmp_path / "ours.html", tmp_path / "other.html"
    write_page(ours, *example())
    assert MARK in ours.read_text("utf-8")[:1024]
    other.write_text("<html>dear diary")
    check_place(tmp_path / "new.html", force=False)
    check_place(ours, force=False)
    check_place(other, force=True)
    for place in (other, tmp_path):
        with pytest.raises(GraphInvalid) as refused:
            check_place(place, force=False)
        assert refused.value.problems[0].code == "would-overwrite"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_device_or_a_pipe_is_never_written_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for place in (Path(os.devnull), tmp_path / "pipe", tmp_path / "link"):
        with pytest.raises(GraphInvalid, match="no ordinary file"):
            check_place(place, force=True)


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotWritten, match="could not be written"):
        write_page(tmp_path / "file" / "page.html", *example())
    (tmp_path / "page.html").mkdir()
    with pytest.raises(NotWritten):
        write_page(tmp_path / "page.html", *example())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "page.html"]
