"""Below the torch line: tensors, models and sampling, and no knowledge of graphs."""

import os

# Read once, when torch loads its OpenMP library. Threads that wait then sleep: by default they spin, and as soon as
# another program wants one of the cores every small operation waits for a time slice. Two such programs on two cores
# took twenty times as long as one; sleeping costs nothing that could be measured.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
