"""Bundled workflow graphs, and the demo model that they run on."""
