"""What every test stands on: look-alike builders by name, and examples that do not depend on luck.

Property tests draw the same examples in each run, and a slow machine is no failure. To search on:
pytest --hypothesis-profile=search
"""

import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent / "lookalikes"))

PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("same", derandomize=True, **PATIENT)
settings.register_profile("search", **PATIENT)
settings.load_profile("same")
