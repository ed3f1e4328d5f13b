"""Pictures of a graph: a PNG as people know it from the editor, or mermaid text. Nothing here runs a graph."""
