"""The page's inspector: each text's story, and where each person's dialogues are."""
