"""A 3-D town in which driving agents are trained, watched and caught failing.

Importing this package registers `drivesim/Town-v0` with gymnasium.
"""

import gymnasium as _gymnasium

_gymnasium.register(
    id="drivesim/Town-v0",
    entry_point="drivesim.envs.driving:DrivingEnv",
    vector_entry_point="drivesim.envs.vector:DrivingVectorEnv",
)
