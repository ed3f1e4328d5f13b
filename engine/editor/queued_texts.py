"""Texts as the editor queues them: the choices of dynamic prompts made, the tokens of file names filled in."""

import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

from engine.editor import dynamic_prompts, tokens
from engine.editor.remarks import Remark
from engine.editor.running_node import RunningNode
from engine.reading.printable import shown


class QueuedTexts:
    """Makes the texts of one file. Choices are drawn in the order in which they are asked for."""

    def __init__(self, seed: int | None, now: datetime, value_of: Callable[[str, str], Any], remark: Remark) -> None:
        """seed: of all choices; None leaves them unmade. value_of: as `tokens.replace` asks for a widget's value."""
        self._chance = random.Random(seed) if seed is not None else None
        self._now, self._value_of, self._remark = now, value_of, remark

    def is_chosen(self, at: RunningNode, field: str) -> bool:
        """Whether choices are made in texts that are typed into this field."""
        entry = at.entry(field)
        return self._chance is not None and entry is not None and entry.dynamic_prompts

    def chosen(self, at: RunningNode, field: str, value: Any) -> Any:
        """A text with its choices made; any other value as it is."""
        if self._chance is None or not isinstance(value, str) or not self.is_chosen(at, field):
            return value
        text, remarks = dynamic_prompts.resolve(value, self._chance)
        for said in remarks:
            self._remark(at.place, at.node, f"{field}: {said}")
        return text

    def filled(self, text: str) -> str:
        """A text with %date% and %Node.widget% filled in."""
        return tokens.replace(text, self._now, self._value_of)

    def fill(self, at: RunningNode, inputs: dict[str, Any]) -> None:
        """Fill in the tokens among a node's inputs, where it is a saver's file name."""
        for field, value in inputs.items():
            if isinstance(value, str) and "%" in value and tokens.applies_to(at.node.type, field):
                inputs[field] = self.filled(value)
                if inputs[field] != value:
                    self._remark(at.place, at.node, f"{field}: {shown(value)} became {shown(inputs[field])}")
