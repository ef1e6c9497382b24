"""A company that exists nowhere else, with a switch for each way that real ones differ."""

from cooee.simulator.apis.simulated.api import SimulatedAPI

__all__ = ["SimulatedAPI"]
