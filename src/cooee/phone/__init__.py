"""`cooee phone`: the simulator, an app and made-up phones, for development."""
