"""What crosses a border: the shapes of data that all parts agree on. Pydantic and the standard library only."""
