"""Tables of plain text: columns as wide as their widest cell."""

from collections.abc import Iterator, Sequence

from engine.cli import words


def table(rows: Sequence[Sequence[str]], indent: int = 0, right: Sequence[int] = ()) -> Iterator[str]:
    """The rows as lines. right: indexes of columns that stand at the right; the last column is not padded."""
    cells = [[words.plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)] if cells else []
    for row in cells:
        padded = (
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield (" " * indent + "  ".join(padded)).rstrip()
