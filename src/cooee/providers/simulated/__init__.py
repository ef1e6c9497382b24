"""The adapter to the simulator's own API."""

from cooee.core.public_names import publish_names
from cooee.providers.simulated.adapter import Simulated

__all__ = ["Simulated"]

publish_names(__name__, globals(), __all__)
