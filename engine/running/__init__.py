"""Running: a Plan becomes outputs, node by node, with a cache, events on the way and a report at the end."""
