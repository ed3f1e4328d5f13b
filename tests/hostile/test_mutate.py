"""Three hundred of the mutations; the script runs thousands."""

from tests.hostile.mutate import run


def test_mutated_graphs_end_in_a_workflow_or_in_problems():
    outcomes, failures = run(300, seed=1)
    assert failures == []
    assert len(outcomes) > 10
