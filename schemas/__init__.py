"""What crosses a border: the shapes of data that the engine and the nodes agree on. Pydantic and the standard library only."""
