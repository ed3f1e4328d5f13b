"""Below the torch line: tensors, models and sampling, and no knowledge of graphs."""

import os

# Read once, when torch loads GNU OpenMP: how many turns a waiting thread spins before it sleeps. With the default of
# 300,000, threads spin through every time slice that another program should have: on two cores, two demo runs at once
# took 54 s each instead of 5. Alone, a run takes 3 % longer this way, within the noise.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
