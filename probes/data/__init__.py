"""States as an agent met them: playing, recording, and what of each pixel mattered to it."""
