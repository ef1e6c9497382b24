"""Telstra's Messaging API v3, as the simulator serves it."""

from cooee.simulator.apis.telstra_v3.api import TelstraV3API

__all__ = ["TelstraV3API"]
