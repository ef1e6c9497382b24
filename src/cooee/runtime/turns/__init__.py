"""Turns: claims are run, and their results committed."""
