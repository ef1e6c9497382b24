"""A mobile network in a box, with the companies' own HTTP APIs and phones to text with."""

from cooee.simulator.network import Conditions, Entry, Network, Text
from cooee.simulator.server import Carrier, box

__all__ = ["Carrier", "Conditions", "Entry", "Network", "Text", "box"]
