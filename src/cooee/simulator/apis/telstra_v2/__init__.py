"""Telstra's Messaging API v2, as the simulator serves it."""

from cooee.simulator.apis.telstra_v2.api import TelstraV2API

__all__ = ["TelstraV2API"]
