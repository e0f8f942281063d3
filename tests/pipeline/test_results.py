"""The result files: what they average, and what they leave out."""

import csv
import io

from mculora.files import write_text
from pipeline.layout import Layout
from pipeline.results import training_curves
from pipeline.train import HISTORY_COLUMNS


def history_row(method, seed, epoch, score):
    row = dict.fromkeys(HISTORY_COLUMNS, "")
    return {**row, "method": method, "seed": seed, "epoch": epoch, "validation_mean": score}


def test_curves_average_the_runs_until_the_first_one_stops(tmp_path):
    rows = [history_row("mculora", 0, epoch, 0.5) for epoch in range(2)]
    rows += [history_row("mculora", 1, epoch, 0.7) for epoch in range(4)]
    rows += [history_row("dropout", 0, epoch, 9.9) for epoch in range(9)]
    text = io.StringIO()
    writer = csv.DictWriter(text, HISTORY_COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    layout = Layout("sample", tmp_path)
    write_text(layout.history, text.getvalue())
    curves = list(csv.DictReader(io.StringIO(training_curves(layout, "mculora"))))
    assert [(row["epoch"], float(row["validation_mean"])) for row in curves] == [
        ("0", 0.6),
        ("1", 0.6),
    ]
