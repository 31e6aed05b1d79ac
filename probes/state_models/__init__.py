"""Generative models of an agent's states (Sec. 2.1), and their fitting."""
