"""A mobile network in a box, with the companies' own HTTP APIs and phones to text with."""

from cooee.carrier.box import Carrier, box
from cooee.carrier.network import Conditions, Entry, Network, Text

__all__ = ["Carrier", "Conditions", "Entry", "Network", "Text", "box"]
