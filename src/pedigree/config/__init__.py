"""Configuration: composed from files and overrides as Hydra composes, typed, frozen, and able to say where every value came from.

`from pedigree import config` is all that a script needs. The names are loaded on first use, so that it costs nothing.
"""

from pedigree import lazy

# Spelt out: `import typing` costs as much as starting Python. Type checkers know the name.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from pedigree.config.composed import Composed as Composed
    from pedigree.config.composing import Sources as Sources
    from pedigree.config.composing import compose as compose
    from pedigree.config.entry.current import current as current
    from pedigree.config.entry.main import main as main
    from pedigree.config.explanation import why as why
    from pedigree.config.frozen import Frozen as Frozen
    from pedigree.config.frozen import diff as diff
    from pedigree.config.frozen import freeze as freeze
    from pedigree.config.frozen import read as read
    from pedigree.config.interpolation import Resolvers as Resolvers
    from pedigree.config.launching import DistEnv as DistEnv
    from pedigree.config.launching import report as report
    from pedigree.config.models import Bytes as Bytes
    from pedigree.config.models import Config as Config
    from pedigree.config.models import Mismatch as Mismatch
    from pedigree.config.models import NumpyDtype as NumpyDtype
    from pedigree.config.models import Secret as Secret
    from pedigree.config.models import TorchDtype as TorchDtype
    from pedigree.config.models import Validated as Validated
    from pedigree.config.models import dump as dump
    from pedigree.config.models import validate as validate
    from pedigree.config.overrides import parse as parse
    from pedigree.config.overrides import points as points
    from pedigree.config.versions import Add as Add
    from pedigree.config.versions import Default as Default
    from pedigree.config.versions import Drop as Drop
    from pedigree.config.versions import Family as Family
    from pedigree.config.versions import Map as Map
    from pedigree.config.versions import Rename as Rename
    from pedigree.config.versions import Split as Split
    from pedigree.config.versions import changelog as changelog
    from pedigree.config.versions import check_released as check_released
    from pedigree.config.versions import check_steps as check_steps
    from pedigree.config.versions import migrate as migrate
    from pedigree.config.versions import released as released
    from pedigree.config.versions import rewrite as rewrite

_HOMES = {
    "Add": "versions",
    "Bytes": "models",
    "changelog": "versions",
    "check_released": "versions",
    "check_steps": "versions",
    "compose": "composing",
    "Composed": "composed",
    "Config": "models",
    "Default": "versions",
    "diff": "frozen",
    "DistEnv": "launching",
    "Drop": "versions",
    "dump": "models",
    "Family": "versions",
    "freeze": "frozen",
    "Frozen": "frozen",
    "current": "entry.current",
    "main": "entry.main",
    "Map": "versions",
    "migrate": "versions",
    "Mismatch": "models",
    "NumpyDtype": "models",
    "parse": "overrides",
    "points": "overrides",
    "read": "frozen",
    "released": "versions",
    "Rename": "versions",
    "report": "launching",
    "Resolvers": "interpolation",
    "rewrite": "versions",
    "Secret": "models",
    "Sources": "composing",
    "Split": "versions",
    "TorchDtype": "models",
    "validate": "models",
    "Validated": "models",
    "why": "explanation",
}

__all__ = [*_HOMES]

__getattr__, __dir__ = lazy.names(__name__, _HOMES)
