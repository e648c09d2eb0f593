"""How many cases the properties try: few and always the same by default, many at night.

`HYPOTHESIS_PROFILE=nightly` tries 10,000 new cases of each property and prints what repeats a
failure (`--hypothesis-seed` repeats a whole run): `make nightly`. A property that sets its own
number keeps it. `mutants` tries a few, since each is tried again for each mutant: `make mutants`.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("normal", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("nightly", deadline=None, max_examples=10_000, print_blob=True)
settings.register_profile("mutants", deadline=None, derandomize=True, max_examples=15)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "normal"))
