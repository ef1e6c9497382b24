"""Telstra's Messaging API v2, in the simulator.

Sources: Telstra's specifications of 2018 and 2021 (dev.telstra.com), quoted by section as S2.2.9;
Telstra's Python SDK (tls-messaging 0.6.4); and what users of the API saw.
"""

from cooee.simulator.apis.telstra_v2.api import TelstraV2API

__all__ = ["TelstraV2API"]
