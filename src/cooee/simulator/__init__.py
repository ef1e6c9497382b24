"""A simulated mobile network, with the providers' own HTTP APIs and phones to text with."""

from cooee.core.public_names import publish_names
from cooee.simulator.network import MobileNetwork, NetworkConditions, ScreenEntry, SimulatedText
from cooee.simulator.server import Simulator, run_simulator

__all__ = [
    "MobileNetwork",
    "NetworkConditions",
    "ScreenEntry",
    "SimulatedText",
    "Simulator",
    "run_simulator",
]

publish_names(__name__, globals(), __all__)
