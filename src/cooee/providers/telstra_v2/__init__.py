"""The adapter to TelstraV2."""

from cooee.providers.telstra_v2.adapter import TelstraV2

__all__ = ["TelstraV2"]
