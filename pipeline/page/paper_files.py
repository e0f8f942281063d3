"""All figures and tables of the page as files for papers, each under its own name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

from mculora.files import whole_file, write_text
from pipeline.page.drawing import Drawing
from pipeline.page.figure_files import pdf_file, svg_file
from pipeline.page.table import Table
from pipeline.page.table_files import csv_file, latex_file


def exhibits(content: object) -> Iterator[Drawing | Table]:
    """Every figure and every named table with rows in what a page shows, wherever it is."""
    if isinstance(content, Drawing):
        yield content
    elif isinstance(content, Table):
        if content.name and content.rows:
            yield content
    elif isinstance(content, Mapping):
        for value in content.values():
            yield from exhibits(value)
    elif isinstance(content, (list, tuple)):
        for value in content:
            yield from exhibits(value)
    elif is_dataclass(content):
        for field in fields(content):
            yield from exhibits(getattr(content, field.name))


def write_figures(folder: Path, content: object) -> int:
    """Write each figure as SVG and PDF; return how many there are."""
    drawings = [found for found in exhibits(content) if isinstance(found, Drawing)]
    for drawing in drawings:
        svg = svg_file(drawing)
        write_text(folder / f"{drawing.name}.svg", svg)
        with whole_file(folder / f"{drawing.name}.pdf") as temporary:
            temporary.write_bytes(pdf_file(svg, drawing.caption or drawing.name))
    _remove_others(folder, {drawing.name for drawing in drawings})
    return len(drawings)


def write_tables(folder: Path, content: object, provenance: str) -> int:
    """Write each table as LaTeX and CSV; return how many there are."""
    tables = [found for found in exhibits(content) if isinstance(found, Table)]
    for table in tables:
        write_text(folder / f"{table.name}.tex", latex_file(table, provenance))
        write_text(folder / f"{table.name}.csv", csv_file(table))
    _remove_others(folder, {table.name for table in tables})
    return len(tables)


def _remove_others(folder: Path, names: set[str]) -> None:
    """Remove what an earlier report had and this one has not."""
    for path in folder.glob("*"):
        if path.stem not in names and path.suffix in (".svg", ".pdf", ".tex", ".csv"):
            path.unlink()
