"""Launching: the place of a process among others, and sweeps of frozen configurations run by one launcher or another.

Names are loaded on first use: a script that asks for its rank pays for nothing else.
"""

from pedigree import lazy

TYPE_CHECKING = False

if TYPE_CHECKING:
    from pedigree.config.launching.contract import Handle as Handle
    from pedigree.config.launching.contract import Launcher as Launcher
    from pedigree.config.launching.contract import Order as Order
    from pedigree.config.launching.local import Local as Local
    from pedigree.config.launching.manifest import Job as Job
    from pedigree.config.launching.onray import OnRay as OnRay
    from pedigree.config.launching.planning import plan as plan
    from pedigree.config.launching.points import Point as Point
    from pedigree.config.launching.ranks import DistEnv as DistEnv
    from pedigree.config.launching.results import report as report
    from pedigree.config.launching.searching import search as search
    from pedigree.config.launching.slurm import Submitit as Submitit
    from pedigree.config.launching.spaces import Space as Space
    from pedigree.config.launching.spaces import space as space
    from pedigree.config.launching.sweep import Failure as Failure
    from pedigree.config.launching.sweep import Progress as Progress
    from pedigree.config.launching.sweep import Report as Report
    from pedigree.config.launching.sweep import Sweep as Sweep
    from pedigree.config.launching.sweep import open_sweep as open_sweep
    from pedigree.config.launching.trials import SearchReport as SearchReport
    from pedigree.config.launching.trials import Trial as Trial
    from pedigree.config.launching.work import Work as Work
    from pedigree.config.launching.work import command as command
    from pedigree.config.launching.work import function as function

_HOMES = {
    "DistEnv": "ranks",
    "Failure": "sweep",
    "Handle": "contract",
    "Job": "manifest",
    "Launcher": "contract",
    "Local": "local",
    "OnRay": "onray",
    "Order": "contract",
    "Point": "points",
    "Progress": "sweep",
    "Report": "sweep",
    "SearchReport": "trials",
    "Space": "spaces",
    "Submitit": "slurm",
    "Sweep": "sweep",
    "Trial": "trials",
    "Work": "work",
    "command": "work",
    "function": "work",
    "open_sweep": "sweep",
    "plan": "planning",
    "report": "results",
    "search": "searching",
    "space": "spaces",
}

__all__ = [*_HOMES]

__getattr__, __dir__ = lazy.names(__name__, _HOMES)
