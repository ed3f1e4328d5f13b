"""The editor's own format (nodes, links, widget values by position) becomes a Prompt, as ComfyUI's frontend does it."""
