"""Find, show and check weaknesses of deep reinforcement learning agents (Rupprecht et al., ICLR 2020)."""
