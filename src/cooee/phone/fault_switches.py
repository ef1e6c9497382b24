"""The page's switches for faults of the provider and the network."""

from __future__ import annotations

import msgspec

from cooee.simulator import MobileNetwork
from cooee.simulator.apis import ProviderAPI
from cooee.simulator.faults import parse_fault

_UNLIMITED = 1_000_000_000
_SLOW_DELAY_S = 3.0  # seconds that a text takes
_SEND_CALLS = {
    "simulated": "POST /texts",
    "telstra-v2": "POST /messages/sms",
    "telstra-v3": "POST /messaging/v3/messages",
    "twilio": "POST /2010-04-01/Accounts/",
}  # how the path of a send begins in each provider's API


class FaultSwitch(msgspec.Struct, frozen=True):
    """A fault with its title and help on the page; `is_available`: the fault can be on."""

    name: str
    title: str
    help: str
    is_on: bool = False
    is_available: bool = True


_ALL_SWITCHES = (
    FaultSwitch(
        "provider-down", "Provider down", "Every call to the provider's API fails with 503."
    ),
    FaultSwitch("lose-answer", "Lose the answer", "It takes our texts, but its answers vanish."),
    FaultSwitch("duplicate", "Deliver twice", "Every text is pushed to the app twice."),
    FaultSwitch("delay", "Slow network", f"Every text is {_SLOW_DELAY_S:g} seconds on its way."),
)
# A provider that is down says so, as gateways do; the simulator's own fault for it hangs up,
# which leaves every send's end unknown.
_SIMULATOR_FAULTS = {"provider-down": "error-503", "duplicate": "duplicate-push"}


class FaultSwitches:
    """The switches of a simulator, each a fault or a network condition of the simulator.

    Args:
        network: the simulated network.
        api: the simulated API that the app calls.
        is_pushed: whether the provider pushes texts; a text that is polled cannot come twice.
    """

    def __init__(self, network: MobileNetwork, api: ProviderAPI, *, is_pushed: bool) -> None:
        self._network, self._api, self._is_pushed = network, api, is_pushed

    def list_switches(self) -> list[FaultSwitch]:
        """Return all switches, on or off."""
        return [
            msgspec.structs.replace(
                switch,
                is_on=self._is_on(switch.name),
                is_available=self._is_pushed or switch.name != "duplicate",
            )
            for switch in _ALL_SWITCHES
        ]

    def set_switch(self, name: str, *, on: bool) -> None:
        """Turn a switch on or off.

        Raises:
            ValueError: there is no such switch.
        """
        if name not in {switch.name for switch in _ALL_SWITCHES}:
            raise ValueError(f"There is no switch {name!r}.")
        if name == "delay":
            conditions = self._network.conditions
            changed = msgspec.structs.replace(conditions, delay=_SLOW_DELAY_S if on else 0.0)
            self._network.conditions = changed
            return
        faults, fault_name = self._api.faults, _SIMULATOR_FAULTS.get(name, name)
        faults.pending[:] = [known for known in faults.pending if known.name != fault_name]
        if on:
            calls = _SEND_CALLS[self._api.name] if name == "lose-answer" else ""
            faults.add(parse_fault(fault_name, _UNLIMITED, calls))

    def _is_on(self, name: str) -> bool:
        if name == "delay":
            return self._network.conditions.delay > 0
        fault_name = _SIMULATOR_FAULTS.get(name, name)
        return any(one.name == fault_name for one in self._api.faults.pending)
