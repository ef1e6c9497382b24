"""The simulated provider: a made-up API, with a switch for each difference of real APIs."""

from cooee.simulator.apis.simulated.api import SimulatedAPI

__all__ = ["SimulatedAPI"]
