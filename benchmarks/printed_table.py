"""Tables of results in Markdown, printed line by line as the results come."""

from __future__ import annotations


def print_head(*names: str) -> None:
    """Begin a table; all columns but the first are numbers."""
    print()
    print_row(*names)
    print_row("---", *["---:"] * (len(names) - 1))


def print_row(*cells: str) -> None:
    """One line of a table."""
    print(f"| {' | '.join(cells)} |", flush=True)
