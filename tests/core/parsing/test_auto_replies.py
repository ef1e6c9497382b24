from __future__ import annotations

import pytest

from cooee.core.parsing.auto_replies import is_auto_reply


@pytest.mark.parametrize(
    "text",
    [
        "I'm driving and can't reply right now.", "I\u2019m driving", "I am currently driving. I'll call you later",
        "I\u2019m driving with Focus turned on. I\u2019ll see your message when I get where I\u2019m going.",
        "(I'm not receiving notifications. If this is urgent, reply \u201curgent\u201d to send a notification through.)",
        "Out of office", "OUT OF OFFICE: back on Monday", "Automatic reply: Leave", "Auto-reply: thanks for your message",
        "Thank you. I am out of the office until 3 January.", "This is an automated response, please call us.",
        "Hi! I'm away until Monday", "This mailbox is not monitored.", "Yes\nSent from my car", "Abwesenheitsnotiz: bin im Urlaub",
    ],
)  # fmt: skip
def test_an_automatic_reply(text: str) -> None:
    assert is_auto_reply(text)


@pytest.mark.parametrize(
    "text",
    ["yes", "Friday", "Are you driving?", "I am driving to work on Friday, ok?", "The office", "away", "4", "",
     "reply", "Can we meet out in front of the office?", "notifications"],
)  # fmt: skip
def test_a_person(text: str) -> None:
    assert not is_auto_reply(text)
