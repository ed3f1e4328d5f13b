"""What each worker of a cluster is given."""

import pytest

from engine.working.ray_resources import Machine, Share, share


def test_each_gpu_has_a_worker_with_its_part_of_the_cores() -> None:
    machines = [Machine(16, 2), Machine(12, 4), Machine(64)]
    assert share(machines, "auto", None, None) == Share(workers=6, cpus=3, gpus=1)


def test_gpus_are_left_alone_if_the_processor_is_to_compute() -> None:
    assert share([Machine(8, 2)], "cpu", None, None) == Share(workers=1, cpus=8, gpus=0)


def test_without_gpus_each_machine_has_a_worker() -> None:
    assert share([Machine(8), Machine(8)], "auto", None, None) == Share(workers=2, cpus=8, gpus=0)


def test_threads_that_the_user_gives_decide_how_many_workers_fit() -> None:
    assert share([Machine(8), Machine(6)], "cpu", None, 4) == Share(workers=3, cpus=4, gpus=0)


@pytest.mark.parametrize(("workers", "cpus"), [(1, 3), (2, 3), (3, 1), (6, 1), (9, 1)])
def test_workers_that_the_user_wants_have_as_many_cores_as_fit_beside_each_other(workers: int, cpus: int) -> None:
    assert share([Machine(3), Machine(3)], "cpu", workers, None) == Share(workers, cpus, gpus=0)


def test_a_cluster_that_tells_of_no_cores_still_has_a_worker() -> None:
    assert share([Machine(0)], "cpu", None, None) == Share(workers=1, cpus=1, gpus=0)
