"""What can be made to go wrong from the page, to watch that nothing is lost."""

from __future__ import annotations

import msgspec

from cooee.simulator import Network
from cooee.simulator.apis import Face
from cooee.simulator.faults import fault

_ALWAYS = 1_000_000_000
_SLOW = 3.0  # seconds that a text takes
_SENDS = {"simulated": "POST /texts", "telstra-v2": "POST /messages/sms"}


class Switch(msgspec.Struct, frozen=True):
    """A fault: its name, what it says on the page, and whether it is on or can be."""

    name: str
    title: str
    help: str
    on: bool = False
    able: bool = True


_ALL = (
    Switch("carrier-down", "Carrier down", "Every call to the carrier's API fails with 503."),
    Switch("lose-answer", "Lose the answer", "It takes our texts, but its answers vanish."),
    Switch("duplicate", "Deliver twice", "Every text is pushed to the app twice."),
    Switch("delay", "Slow network", f"Every text is {_SLOW:g} seconds on its way."),
)
# A carrier that is down says so, as gateways do; the box's own carrier-down hangs up instead,
# which leaves every send's end unknown.
_FAULTS = {"carrier-down": "error-503", "duplicate": "duplicate-push"}


class Switches:
    """The switches of one box; they are the box's own faults and conditions, and nothing else.

    Args:
        network: the box's network.
        face: the company's API that the app speaks to.
        pushed: whether that company pushes: what is only read is not read twice.
    """

    def __init__(self, network: Network, face: Face, *, pushed: bool) -> None:
        self._network, self._face, self._pushed = network, face, pushed

    def shown(self) -> list[Switch]:
        """All switches as they stand."""
        return [
            msgspec.structs.replace(
                switch,
                on=self._is_on(switch.name),
                able=self._pushed or switch.name != "duplicate",
            )
            for switch in _ALL
        ]

    def turn(self, name: str, *, on: bool) -> None:
        """Turn a switch.

        Raises:
            ValueError: there is no such switch.
        """
        if name not in {switch.name for switch in _ALL}:
            raise ValueError(f"There is no switch {name!r}.")
        if name == "delay":
            weather = self._network.conditions
            slow = msgspec.structs.replace(weather, delay=_SLOW if on else 0.0)
            self._network.conditions = slow
            return
        faults, word = self._face.faults, _FAULTS.get(name, name)
        faults.left[:] = [one for one in faults.left if one.name != word]
        if on:
            calls = _SENDS[self._face.name] if name == "lose-answer" else ""
            faults.add(fault(word, _ALWAYS, calls))

    def _is_on(self, name: str) -> bool:
        if name == "delay":
            return self._network.conditions.delay > 0
        word = _FAULTS.get(name, name)
        return any(one.name == word for one in self._face.faults.left)
