"""The adapter to TelstraV3."""

from cooee.providers.telstra_v3.adapter import TelstraV3

__all__ = ["TelstraV3"]
