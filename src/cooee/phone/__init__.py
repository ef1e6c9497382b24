"""A phone for development: a box, an app and somebody who types, in one process."""
