"""The simulated provider: a made-up API, with a switch for each way that real APIs differ."""

from cooee.simulator.apis.simulated.api import SimulatedAPI

__all__ = ["SimulatedAPI"]
