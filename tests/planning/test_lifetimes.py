"""When values may be dropped."""

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.planning.lifetimes import drops_of


def test_a_value_is_dropped_by_its_last_reader():
    assert drops_of(["a", "b", "c", "d"], {"b": ["a"], "c": ["a", "b"], "d": ["c"]}) == {"c": ["a", "b"], "d": ["c"]}


def test_what_nobody_reads_is_dropped_by_nobody():
    assert drops_of(["a", "b"], {}) == {}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.integers(0, 30), max_size=5), max_size=30))
def test_each_value_is_dropped_once_and_never_read_after(reads_by_step):
    order = [str(step) for step in range(len(reads_by_step))]
    reads = {
        str(step): [str(read) for read in read_steps if read < step] for step, read_steps in enumerate(reads_by_step)
    }
    drops = drops_of(order, reads)
    dropped = [node for nodes in drops.values() for node in nodes]
    assert sorted(dropped) == sorted({node for nodes in reads.values() for node in nodes})
    for step, nodes in drops.items():
        later = order[order.index(step) + 1 :]
        assert not any(node in reads[other] for other in later for node in nodes)
