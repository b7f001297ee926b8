"""Every error that Pedigree raises on purpose.

PedigreeError                      exit  what a caller does about it
├── InvalidInput (ValueError)        2   correct what was typed or written
│   ├── InvalidName                      a repository, branch, pipeline or input name
│   ├── InvalidPath                      a path that no commit may hold
│   ├── InvalidReference                 REPO@REF[:/PATH] that does not parse
│   ├── InvalidGlob                      a glob that does not parse
│   ├── InvalidSpec                      a pipeline spec; carries file, line and field
│   ├── InvalidConfig                    a configuration that does not compose; carries the place
│   ├── InvalidSplit                     fractions, keys or groups that make no split; a class missing from one
│   ├── CheckpointMismatch               a checkpoint of another model, optimiser or set of parts
│   ├── UnsafeArchive                    an archive member that would escape or overwhelm
│   ├── InvalidBundle                    a bundle that is cut, altered, or made up
│   └── ForbiddenAddress                 a URL that leads into the user's own network
├── NotFound (LookupError)           3   name something that exists
│   ├── StoreNotFound, RepositoryNotFound, BranchNotFound, CommitNotFound, PathNotFound,
│   ├── CheckpointNotFound, NoProvenance,
│   ├── PipelineNotFound, RunNotFound, JobNotFound, DatumNotFound, TransactionNotFound, TriggerNotFound,
│   └── TagNotFound
├── Conflict                         4   look at the present state, then decide
│   ├── AlreadyExists                    the name is taken
│   ├── CommitClosed                     writing to a commit that is finished
│   ├── BranchMoved                      somebody else's commit came first
│   ├── InUse                            something else still depends on it
│   ├── PathClash                        one path would be both a file and a folder, or two files
│   ├── TooLate                          a library of this process has already settled it
│   └── Busy                             another process holds the lock
├── Damaged                          5   run `pedigree fsck`
│   ├── MissingObject                    an object that a commit names is not there
│   ├── CorruptObject                    bytes that do not match their name
│   └── CorruptCheckpoint                a checkpoint's file that is missing, cut short or edited
├── StorageFailure (OSError)         6   free space or mend the disk, then try again
│   └── DiskFull
├── Unsupported                      7   use another version, file system or extra
│   ├── NewerFormat
│   ├── NetworkFileSystem
│   ├── UnsupportedState                 a value that no checkpoint can hold
│   ├── MissingExtra
│   ├── NoDeterministicForm              an operation whose result differs from run to run
│   ├── EnvironmentUnavailable           a recorded environment that cannot be made again here
│   └── IsolationUnavailable
├── StepFailed                       1   mend the step; its log is named
├── NonFinite                        1   find what made the number infinite or undefined
└── FetchFailed                      8   the other side did not deliver

A message says what happened with the values; `remedy` says what to do. The command line prints both and exits with
`exit_code`. Any other exception that reaches it is a bug of ours and shows its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar


class PedigreeError(Exception):
    """Base of everything below.

    `remedy` is one sentence on what to do. Further keyword arguments become attributes, so that a caller can act on
    the objects and need not parse the text.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str | None = None, **objects: Any) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.objects = objects
        for name, value in objects.items():
            setattr(self, name, value)

    def __str__(self) -> str:
        return self.message if self.remedy is None else f"{self.message}\n{self.remedy}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, self.remedy, self.objects))


def _rebuild(kind: type[PedigreeError], message: str, remedy: str | None, objects: dict[str, Any]) -> PedigreeError:
    return kind(message, remedy=remedy, **objects)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like this one, whatever its case; None where none is close."""
    from difflib import get_close_matches  # 5 ms, and only what goes wrong pays them

    folded: dict[str, str] = {}
    for one in known:
        folded.setdefault(one.casefold(), one)
    near = get_close_matches(name.casefold(), folded, n=1)
    return folded[near[0]] if near else None


def meant(name: str, known: Iterable[str]) -> str:
    """`Did you mean 'letters'? `, to stand at the front of a remedy; empty where no known name is close."""
    near = nearest(name, known)
    return "" if near is None else f"Did you mean {near!r}? "


class InvalidInput(PedigreeError, ValueError):
    exit_code = 2


class InvalidName(InvalidInput):
    pass


class InvalidPath(InvalidInput):
    pass


class InvalidReference(InvalidInput):
    pass


class InvalidGlob(InvalidInput):
    pass


class InvalidSpec(InvalidInput):
    pass


class InvalidConfig(InvalidInput):
    pass


class InvalidSplit(InvalidInput):
    pass


class CheckpointMismatch(InvalidInput):
    pass


class UnsafeArchive(InvalidInput):
    pass


class InvalidBundle(InvalidInput):
    pass


class ForbiddenAddress(InvalidInput):
    pass


class NotFound(PedigreeError, LookupError):
    exit_code = 3


class StoreNotFound(NotFound):
    pass


class RepositoryNotFound(NotFound):
    pass


class BranchNotFound(NotFound):
    pass


class CommitNotFound(NotFound):
    pass


class PathNotFound(NotFound):
    pass


class PipelineNotFound(NotFound):
    pass


class RunNotFound(NotFound):
    pass


class JobNotFound(NotFound):
    pass


class DatumNotFound(NotFound):
    pass


class TransactionNotFound(NotFound):
    pass


class TriggerNotFound(NotFound):
    pass


class TagNotFound(NotFound):
    pass


class CheckpointNotFound(NotFound):
    pass


class NoProvenance(NotFound):
    pass


class Conflict(PedigreeError):
    exit_code = 4


class AlreadyExists(Conflict):
    pass


class CommitClosed(Conflict):
    pass


class BranchMoved(Conflict):
    pass


class InUse(Conflict):
    pass


class PathClash(Conflict):
    pass


class TooLate(Conflict):
    pass


class Busy(Conflict):
    pass


class Damaged(PedigreeError):
    exit_code = 5


class MissingObject(Damaged):
    pass


class CorruptObject(Damaged):
    pass


class CorruptCheckpoint(Damaged):
    pass


class StorageFailure(PedigreeError, OSError):
    exit_code = 6


class DiskFull(StorageFailure):
    pass


class Unsupported(PedigreeError):
    exit_code = 7


class NewerFormat(Unsupported):
    pass


class NetworkFileSystem(Unsupported):
    pass


class UnsupportedState(Unsupported):
    pass


class MissingExtra(Unsupported):
    pass


class NoDeterministicForm(Unsupported):
    pass


class IsolationUnavailable(Unsupported):
    pass


class EnvironmentUnavailable(Unsupported):
    pass


class StepFailed(PedigreeError):
    exit_code = 1


class NonFinite(PedigreeError):
    exit_code = 1


class FetchFailed(PedigreeError):
    exit_code = 8
