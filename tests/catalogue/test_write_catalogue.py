from tests.catalogue.dumps import NAMES, dumps, shortened
from tests.catalogue.write_catalogue import SOURCES, TABLE, table


def test_writing_gives_the_table_that_is_shipped():
    assert table(dumps()) == TABLE.read_text("utf-8"), "python -m tests.catalogue.write_catalogue"


def test_every_dump_is_used():
    assert sorted(source.stem for source in SOURCES) == sorted(NAMES) == sorted(dumps())


def test_a_dump_is_kept_without_what_only_people_read():
    info = {"input": {"required": {"a": ["INT", {"min": 0, "tooltip": "x"}], "tooltip": ["INT"]}}, "description": "x"}
    assert shortened({"Some": info}) == {
        "Some": {"input": {"required": {"a": ["INT", {"min": 0}], "tooltip": ["INT"]}}}
    }
