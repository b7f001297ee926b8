"""A static check of a directory of configurations: all that can be wrong with them before anything runs.

`check` goes over the whole: `files` looks at each file by itself, `points` composes each primary configuration with each
option of each group, `resolving` resolves their interpolations as far as can be told, `fitting` holds them against
the model, `findings` gathers what is to be said.
"""

from pedigree.config.checking.check import check
from pedigree.config.checking.findings import Finding, Report, Severity

__all__ = ["Finding", "Report", "Severity", "check"]
