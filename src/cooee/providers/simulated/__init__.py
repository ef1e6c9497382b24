"""The adapter to Simulated."""

from cooee.providers.simulated.adapter import Simulated

__all__ = ["Simulated"]
