"""The builders of look-alike corpora, importable from every test."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lookalikes"))
