"""App, Chat, Routes and their policies: the developer's side of cooee."""
