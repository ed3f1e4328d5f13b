"""Family: how a file shows that it holds a model of one kind, in one key layout."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


class Unsized(ValueError):
    """The evidence is there, but a tensor that tells a size is missing or has an impossible shape."""


class View:
    """The tensors of one part by name without prefix: what a family may look at."""

    def __init__(self, prefix: str, names: Mapping[str, Any], shape_of: Callable[[str], tuple[int, ...]]) -> None:
        """names: all names of the file, with prefix. shape_of: full name to logical shape."""
        self.prefix, self.names, self.shape_of = prefix, names, shape_of

    def __contains__(self, name: str) -> bool:
        """Whether the part has this tensor."""
        return self.prefix + name in self.names

    def shape(self, name: str, rank: int) -> tuple[int, ...]:
        """The shape of a tensor. Raises Unsized if it is missing or not of this rank."""
        if name not in self:
            raise Unsized(f"{self.prefix}{name} is missing")
        shape = self.shape_of(self.prefix + name)
        if len(shape) != rank or 0 in shape:
            raise Unsized(f"{self.prefix}{name} has the shape {shape}")
        return shape

    def count(self, pattern: str) -> int:
        """How many blocks there are: 0, 1, … put for {} gives a tensor each time, and then no more."""
        number = 0
        while pattern.format(number) in self:
            number += 1
        return number

    def ratio(self, whole: int, part: int, what: str) -> int:
        """The quotient of two numbers, which must be an integer. Raises Unsized otherwise."""
        if part < 1 or whole < part or whole % part:
            raise Unsized(f"{what} would be {whole} / {part}")
        return whole // part


@dataclass(frozen=True)
class Family:
    """One kind of model in one key layout. Every field but `sizes` is data, so that families can be compared.

    kind: the name of the part it makes ("flux", "clip_l"). title: how to call it in a message. evidence: names (without
    prefix) that must all be there. absent: names of which none may be there. owns: beginnings of names that belong to
    the part ("" for all). fits: a last look at shapes, where names do not tell apart. sizes: None for a family that
    this version only names.
    """

    kind: str
    title: str
    layout: str
    evidence: tuple[str, ...]
    absent: tuple[str, ...] = ()
    owns: tuple[str, ...] = ("",)
    fits: Callable[[View], bool] = lambda view: True
    sizes: Callable[[View], Any] | None = None

    def claims(self, view: View) -> bool:
        """Whether a part of this family begins at the view's prefix."""
        return (
            all(name in view for name in self.evidence)
            and not any(name in view for name in self.absent)
            and self.fits(view)
        )
