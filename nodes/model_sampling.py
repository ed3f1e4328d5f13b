"""Changes of a model's noise schedule."""

from typing import NamedTuple

from schemas.context import Context
from schemas.node import Node
from schemas.sockets import FlowShift, FluxShift, Model
from schemas.widgets import Pixels8, Shift


class ModelSamplingFlux(Node):
    """Shift the schedule by the picture's size: larger pictures spend more steps at high noise."""

    category = "advanced/model"

    model: Model
    max_shift: Shift = 1.15
    base_shift: Shift = 0.5
    width: Pixels8 = 1024
    height: Pixels8 = 1024

    class Outputs(NamedTuple):
        """The model with its new schedule."""

        MODEL: Model

    def run(self, context: Context) -> Outputs:
        """Lay the shift on."""
        shift = FluxShift(self.max_shift, self.base_shift, self.width, self.height)
        return self.Outputs(self.model.patched(shift))


class ModelSamplingSD3(Node):
    """Shift the schedule by a constant factor."""

    category = "advanced/model"

    model: Model
    shift: Shift = 3.0

    class Outputs(NamedTuple):
        """The model with its new schedule."""

        MODEL: Model

    def run(self, context: Context) -> Outputs:
        """Lay the shift on."""
        return self.Outputs(self.model.patched(FlowShift(self.shift)))


NODES = (ModelSamplingFlux, ModelSamplingSD3)
