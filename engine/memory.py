"""Ledger: who takes memory on which device, who must leave when room is needed, and why. Bytes, no tensors.

Residents come when they are borrowed and stay until their room is needed: first those that no later step holds leave,
then those that are held, the least recently used first in both. Pinned ones are in use and stay.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, TypeVar, cast

from engine.errors import DoesNotFit
from schemas.context import Meter, Resident
from schemas.quantities import size_text
from schemas.report import MemoryMoved

Key = tuple[str, ...]
R = TypeVar("R", bound=Resident)


class Place(NamedTuple):
    """A key on a device."""

    key: Key
    device: str


@dataclass(frozen=True)
class Residence:
    """One line of the ledger. held: how many later steps will read it. pinned: whether it is in use."""

    key: Key
    device: str
    label: str
    size: int
    held: int
    pinned: bool


class Ledger:
    """Who is on which device, least recently used first. loads: how often somebody came."""

    def __init__(
        self,
        budgets: Mapping[str, int | None] | None = None,
        tell: Callable[[MemoryMoved], None] | None = None,
    ) -> None:
        """budgets: device to bytes that residents may take there; None or no entry: as much as is free.

        tell: told of each coming and going.
        """
        self.loads = 0
        self._budgets = dict(budgets or {})
        self._tell = tell
        self._residents: dict[Place, Resident] = {}
        self._holds: Counter[Key] = Counter()
        self._pins: Counter[Key] = Counter()
        self._peaks: Counter[str] = Counter()
        self._meters: dict[str, Meter] = {}

    def borrow(self, key: Key, build: Callable[[], R], device: str = "cpu") -> R:
        """The resident of this key, built and admitted if it is not there; most recently used from now on.

        Raises DoesNotFit if there is no room for it even when everybody else has left who can.
        """
        place = Place(key, device)
        if place in self._residents:
            self._residents[place] = resident = self._residents.pop(place)
            return cast(R, resident)
        built = build()
        self.admit(key, built, device)
        return built

    def measure(self, device: str, meter: Meter) -> None:
        """Ask this meter about a device from now on. A device that has one already keeps it."""
        self._meters.setdefault(device, meter)

    def admit(self, key: Key, guest: Resident, device: str = "cpu") -> None:
        """Make room, then load. Raises DoesNotFit naming the need, the room and what is pinned."""
        self._make_room(guest, device)
        guest.load()
        self.loads += 1
        self._residents[Place(key, device)] = guest
        self._peaks[device] = max(self._peaks[device], self.used(device))
        self._note(guest, "load", f"needed on {device}")

    @contextmanager
    def pin(self, key: Key) -> Iterator[None]:
        """Keep a resident where it is while it is in use. Raises KeyError if it is not resident."""
        if not any(place.key == key for place in self._residents):
            raise KeyError(key)
        self._pins[key] += 1
        try:
            yield
        finally:
            self._pins[key] -= 1

    def hold(self, key: Key) -> None:
        """One more later step will read this; it need not be resident yet."""
        self._holds[key] += 1

    def release(self, key: Key) -> None:
        """One of the steps that held this has read it. The resident stays until its room is needed."""
        if self._holds[key] < 1:
            raise ValueError(f"{key} is not held")
        self._holds[key] -= 1

    def drop(self, key: Key, why: str) -> None:
        """Let a resident leave, wherever it is; nothing happens if it is nowhere. Raises ValueError if it is pinned."""
        if self._pins[key]:
            raise ValueError(f"{key} is in use")
        for place in [place for place in self._residents if place.key == key]:
            self._leave(place, why)

    def drop_all(self, why: str = "the run is over") -> None:
        """Let everybody leave, pinned or not: the end of a run, or of the program."""
        for place in list(self._residents):
            self._leave(place, why)
        self._holds.clear()
        self._pins.clear()

    def used(self, device: str) -> int:
        """Bytes that residents take on a device."""
        return sum(resident.size for place, resident in self._residents.items() if place.device == device)

    def peak(self, device: str) -> int:
        """The most bytes in use on a device at once since the last reset: as its meter says, else of residents."""
        return self._meters[device].peak() if device in self._meters else self._peaks[device]

    def reset_peak(self, device: str) -> None:
        """Begin a new peak."""
        self._peaks[device] = self.used(device)
        if device in self._meters:
            self._meters[device].reset()

    def resident(self) -> tuple[Residence, ...]:
        """Everybody who is there, least recently used first."""
        return tuple(
            Residence(
                place.key, place.device, guest.label, guest.size, self._holds[place.key], self._pins[place.key] > 0
            )
            for place, guest in self._residents.items()
        )

    def _make_room(self, guest: Resident, device: str) -> None:
        """Send others away until the guest fits."""
        room = self._room(device)
        while room is not None and guest.size > room:
            place = self._next_to_leave(device)
            if place is None:
                raise DoesNotFit(self._shortage(guest, device, room))
            freed = self._residents[place].size
            self._leave(place, f"room for {guest.label} ({size_text(guest.size)}) on {device}")
            # An allocator may keep what it got back: the device does not show it as free, but it can be used again.
            room = max(room + freed, self._room(device) or 0)

    def _room(self, device: str) -> int | None:
        """Bytes that a guest may take on a device now; None if nothing limits them."""
        budget, meter = self._budgets.get(device), self._meters.get(device)
        limits = [budget - self.used(device)] if budget is not None else []
        limits += [meter.free()] if meter is not None else []
        return min(limits, default=None)

    def _next_to_leave(self, device: str) -> Place | None:
        """The least recently used of those that nobody holds, then of those that are held; never a pinned one."""
        leaving = [place for place in self._residents if place.device == device and not self._pins[place.key]]
        return min(leaving, key=lambda place: self._holds[place.key] > 0, default=None)

    def _leave(self, place: Place, why: str) -> None:
        """Take a resident out of the books and let it give its memory back."""
        resident = self._residents.pop(place)
        resident.unload()
        self._note(resident, "drop", why)

    def _note(self, resident: Resident, action: str, why: str) -> None:
        if self._tell is not None:
            self._tell(MemoryMoved("memory", resident.label, action, resident.size, why))

    def _shortage(self, guest: Resident, device: str, room: int) -> str:
        """Why a guest does not fit, and what to do."""
        budget = self._budgets.get(device)
        if budget is not None and room + self.used(device) < budget:
            budget = None  # the device has less than it may give
        limit = f"{size_text(max(room, 0))} are free" if budget is None else f"the budget is {size_text(budget)}"
        pinned = [
            f"{resident.label} ({size_text(resident.size)})"
            for place, resident in self._residents.items()
            if place.device == device
        ]
        used = f", and {', '.join(pinned)} cannot leave now" if pinned else ""
        fix = "Free memory, use a smaller or quantised file, or another device."
        return f"{guest.label} needs {size_text(guest.size)} on {device}, but {limit}{used}. " + (
            fix if budget is None else f"Raise the budget. {fix}"
        )
