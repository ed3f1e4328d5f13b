"""Three hundred mutated files in the editor's format; the script runs a hundred thousand."""

from tests.hostile.mutate_editor import run


def test_mutated_editor_files_end_in_a_workflow_or_in_problems():
    outcomes, failures = run(300, seed=1)
    assert failures == []
    assert len(outcomes) > 10
