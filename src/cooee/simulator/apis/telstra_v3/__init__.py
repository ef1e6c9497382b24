"""Telstra's Messaging API v3, in the simulator.

Sources: Telstra's specification (dev.telstra.com, Messaging API v3), and its Python SDK
(telstra-messaging 3.3.19).
"""

from cooee.simulator.apis.telstra_v3.api import TelstraV3API

__all__ = ["TelstraV3API"]
