"""A provider whose limit of a text is lower than its adapter says."""

from __future__ import annotations

from cooee import App


def lift_text_limit(monkeypatch):
    """Let texts through that the provider will refuse for their length."""
    policy = App.apply_text_policy

    def unlimited(app, reply, *, limited=True, max_chars=None):
        return policy(app, reply, limited=limited)

    monkeypatch.setattr(App, "apply_text_policy", unlimited)
