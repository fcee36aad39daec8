"""How long Hypothesis looks for counterexamples, and that CI always sees the same ones."""

import os

from hypothesis import settings

settings.register_profile("domain", max_examples=80, deadline=None)
settings.register_profile("domain-ci", settings.get_profile("domain"), derandomize=True)
settings.load_profile("domain-ci" if os.environ.get("CI") else "domain")
