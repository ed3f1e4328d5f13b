"""Quantities as people read them."""


def size_text(count: int) -> str:
    """Bytes: "512 B", "1.5 KiB", "11.2 GiB"; never more than four digits."""
    amount, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1000:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
