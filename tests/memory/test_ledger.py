"""The ledger decides who leaves, in bytes, and says why."""

from dataclasses import dataclass, field

import pytest

from engine.errors import DoesNotFit
from engine.memory import Ledger
from schemas.report import MemoryMoved


@dataclass
class Fake:
    """A resident that notes what happens to it."""

    label: str
    size: int
    log: list[str] = field(default_factory=list)

    def load(self) -> None:
        self.log.append("load")

    def unload(self) -> None:
        self.log.append("unload")


class House:
    """A ledger with its events, filled by name and size."""

    def __init__(self, budget: int | None = 100, **more: object) -> None:
        self.events: list[MemoryMoved] = []
        self.ledger = Ledger({"cpu": budget}, tell=self.events.append, **more)  # type: ignore[arg-type]

    def borrow(self, name: str, size: int, device: str = "cpu") -> Fake:
        return self.ledger.borrow((name,), lambda: Fake(name, size), device)

    def names(self, device: str = "cpu") -> list[str]:
        return [line.label for line in self.ledger.resident() if line.device == device]


def test_a_borrowed_resident_is_built_and_loaded_once() -> None:
    house = House()
    first = house.borrow("model", 60)
    assert house.borrow("model", 60) is first
    assert first.log == ["load"]


def test_the_least_recently_used_leaves_first() -> None:
    house = House()
    for name in ("a", "b", "c"):
        house.borrow(name, 30)
    house.borrow("a", 30)
    house.borrow("d", 40)
    assert house.names() == ["c", "a", "d"]


def test_no_more_leave_than_must() -> None:
    house = House()
    for name in ("a", "b", "c"):
        house.borrow(name, 30)
    house.borrow("d", 10)
    assert house.names() == ["a", "b", "c", "d"]


def test_those_whom_later_steps_hold_leave_last() -> None:
    house = House()
    house.ledger.hold(("text",))
    house.borrow("text", 40)
    house.borrow("vae", 40)
    house.borrow("model", 60)
    assert house.names() == ["text", "model"]
    house.ledger.release(("text",))
    house.borrow("other", 40)
    assert house.names() == ["model", "other"]


def test_held_residents_leave_if_nothing_else_makes_room() -> None:
    house = House()
    for name in ("a", "b"):
        house.ledger.hold((name,))
        house.borrow(name, 50)
    house.borrow("c", 40)
    assert house.names() == ["b", "c"]


def test_a_pinned_resident_stays_and_the_error_names_need_budget_and_who_stays() -> None:
    house = House(100 << 20)
    house.borrow("vae", 10 << 20)
    house.borrow("model", 70 << 20)
    with house.ledger.pin(("model",)), pytest.raises(DoesNotFit) as caught:
        house.borrow("text", 60 << 20)
    for said in ("text needs 60.0 MiB on cpu", "budget is 100.0 MiB", "model (70.0 MiB) cannot leave now"):
        assert said in str(caught.value)
    assert house.names() == ["model"]
    house.borrow("text", 60 << 20)
    assert house.names() == ["text"]


def test_pins_nest() -> None:
    house = House()
    house.borrow("model", 70)
    with house.ledger.pin(("model",)):
        with house.ledger.pin(("model",)):
            pass
        with pytest.raises(DoesNotFit):
            house.borrow("text", 60)


def test_what_is_larger_than_the_budget_never_loads() -> None:
    house = House(50)
    built = Fake("giant", 60)
    with pytest.raises(DoesNotFit, match="Raise the budget"):
        house.ledger.admit(("giant",), built)
    assert built.log == []


def test_without_a_budget_nobody_leaves() -> None:
    house = House(None)
    for name in "abc":
        house.borrow(name, 1 << 40)
    assert house.names() == ["a", "b", "c"]


def test_devices_are_apart() -> None:
    house = House(100)
    house.borrow("model", 80)
    house.borrow("model", 80, "cuda:0")
    assert house.names() == house.names("cuda:0") == ["model"]
    assert house.ledger.used("cuda:0") == 80


@dataclass
class FakeMeter:
    left: int
    most: int = 7

    def free(self) -> int:
        return self.left

    def peak(self) -> int:
        return self.most

    def reset(self) -> None:
        self.most = 0


def test_a_budget_larger_than_what_is_free_is_not_believed() -> None:
    ledger = Ledger({"cuda:0": 1000})
    ledger.measure("cuda:0", FakeMeter(100))
    ledger.borrow(("a",), lambda: Fake("a", 90), "cuda:0")
    with pytest.raises(DoesNotFit, match="are free"):
        ledger.borrow(("b",), lambda: Fake("b", 500), "cuda:0")


def test_the_peak_is_the_meters_where_there_is_one_and_can_begin_anew() -> None:
    ledger = Ledger()
    ledger.measure("cuda:0", FakeMeter(100))
    ledger.measure("cuda:0", FakeMeter(100, most=99))  # a device that has a meter keeps it
    ledger.borrow(("a",), lambda: Fake("a", 30), "cpu")
    ledger.drop(("a",), "done")
    assert (ledger.peak("cuda:0"), ledger.peak("cpu")) == (7, 30)
    for device in ("cuda:0", "cpu"):
        ledger.reset_peak(device)
        assert ledger.peak(device) == 0


def test_free_memory_of_a_device_limits_where_no_budget_is_given() -> None:
    meter = FakeMeter(100)

    @dataclass
    class OnDevice(Fake):
        def load(self) -> None:
            meter.left -= self.size

        def unload(self) -> None:
            meter.left += self.size

    ledger = Ledger()
    ledger.measure("cuda:0", meter)
    for name in ("a", "b", "c"):
        ledger.borrow((name,), lambda name=name: OnDevice(name, 45), "cuda:0")  # type: ignore[misc]
    assert [line.label for line in ledger.resident()] == ["b", "c"]
    with pytest.raises(DoesNotFit, match="are free"):
        ledger.borrow(("giant",), lambda: OnDevice("giant", 101), "cuda:0")
    ledger.borrow(("mapped",), lambda: Fake("mapped", 1 << 50), "cpu")


def test_an_allocator_that_keeps_memory_does_not_make_us_evict_everybody() -> None:
    ledger = Ledger()
    ledger.measure("cuda:0", FakeMeter(10))
    ledger.borrow(("a",), lambda: Fake("a", 10), "cuda:0")
    ledger.borrow(("b",), lambda: Fake("b", 10), "cuda:0")
    ledger.borrow(("c",), lambda: Fake("c", 20), "cuda:0")
    assert [line.label for line in ledger.resident()] == ["b", "c"]


def test_every_move_is_told_with_its_why() -> None:
    house = House()
    house.borrow("text", 60)
    house.borrow("model", 80)
    house.ledger.drop_all()
    assert [(event.label, event.action, event.bytes, event.why) for event in house.events] == [
        ("text", "load", 60, "needed on cpu"),
        ("text", "drop", 60, "room for model (80 B) on cpu"),
        ("model", "load", 80, "needed on cpu"),
        ("model", "drop", 80, "the run is over"),
    ]


def test_a_failed_load_leaves_no_trace() -> None:
    class Broken(Fake):
        def load(self) -> None:
            raise OSError("gone")

    house = House()
    with pytest.raises(OSError, match="gone"):
        house.ledger.borrow(("x",), lambda: Broken("x", 10))
    assert house.ledger.resident() == ()
    assert house.ledger.used("cpu") == 0


def test_peak_and_used_count_bytes_per_device() -> None:
    house = House()
    house.borrow("a", 60)
    house.borrow("b", 30)
    house.borrow("c", 50)
    assert (house.ledger.used("cpu"), house.ledger.peak("cpu"), house.ledger.peak("cuda:0")) == (80, 90, 0)


def test_drop_refuses_what_is_in_use_and_ignores_what_is_not_there() -> None:
    house = House()
    model = house.borrow("model", 10)
    with house.ledger.pin(("model",)), pytest.raises(ValueError, match="in use"):
        house.ledger.drop(("model",), "test")
    house.ledger.drop(("model",), "test")
    house.ledger.drop(("model",), "test")
    assert model.log == ["load", "unload"]


def test_wrong_use_is_an_error() -> None:
    house = House()
    with pytest.raises(KeyError), house.ledger.pin(("nobody",)):
        pass
    with pytest.raises(ValueError, match="not held"):
        house.ledger.release(("nobody",))
