"""Texts out."""
