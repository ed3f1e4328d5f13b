"""The demo model: a tiny Flux that draws one coloured shape on a coloured background, and how it was trained."""
