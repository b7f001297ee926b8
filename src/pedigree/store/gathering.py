"""Gathering: the sources of one put become edits of one change.

A folder that was put before costs one `stat` per file. Its stat cache vouches for the files that look as
they did, and says in which tree they are: only paths at which the branch differs from that tree are looked
at.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from blake3 import blake3

from pedigree.errors import Damaged, InvalidInput
from pedigree.store import sources, trees
from pedigree.store.alone import MINIMUM_BYTES
from pedigree.store.paths import file_path, file_paths, shown
from pedigree.store.statcache import StatCache
from pedigree.store.trees import Entry

if TYPE_CHECKING:
    from pedigree.store.changes import Change, Edit
    from pedigree.store.store import Store

#: Opens a folder to reach a file in it, which needs no right to list the folder.
_PASS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC

#: Told from time to time: files and bytes looked at so far.
Progress = Callable[[int, int], None]


class Gathering:
    """The edits that the sources of one put make."""

    def __init__(
        self,
        store: Store,
        change: Change,
        append: bool,
        checksum: bool,
        delete_missing: bool,
        progress: Progress | None,
    ) -> None:
        self.files = self.bytes = self.unchanged = self.restored = self.deleted = 0
        self.skipped: list[str] = []
        self._store = store
        self._change = change
        self._batch = change.batch
        self._read = change.batch.reader()
        self._append = append
        self._checksum = checksum
        self._delete_missing = delete_missing
        self._progress = progress
        self._edits: dict[str, Entry] = {}
        self._caches: list[tuple[StatCache, str]] = []  # with the prefix that its paths got in the tree
        self._parents: dict[str, StatCache] = {}  # of files named one by one
        self._sources = 0

    # ------------------------------------------------------------------------------------------- one source

    def add(self, source: str, where: str, *, untar: bool, stdin: BinaryIO | None, allow_private: bool) -> None:
        """Take one source in; `where` is the store path that it, or what is in it, goes to."""
        self._sources += 1
        if source == sources.STDIN:
            self._stream(sources.standard_input(stdin), "standard input", where, untar)
        elif source.startswith(sources.SCHEMES):
            self._url(source, where, untar, allow_private)
        elif os.path.isdir(source):
            if untar:
                raise InvalidInput(
                    f"{shown(source)} is a folder, not an archive.",
                    remedy="Leave out --untar; the files of a folder are put as they are.",
                )
            self._folder(os.path.abspath(source), where)
        else:
            self._file(source, where, untar)

    def _folder(self, root: str, where: str) -> None:
        lead = where + "/" if where else ""
        cache = StatCache(self._store.place, root)
        suspects = self._suspects(cache, where) if not (self._checksum or self._append) else None
        if suspects:
            # An object that gc removed since: its file is read again, whatever its stamp says.
            lost = self._store.objects.missing([cache.entry(path).digest for path in suspects])
            cache.forget([path for path in suspects if lost and cache.entry(path).digest in lost])
        known = {} if suspects is None else cache.known
        cache.behind = len(suspects or ())
        same: list[str] = []
        fresh: list[str] = []
        for listing in sources.walk(root, known):
            self.skipped += [f"{root}/{name}" for name in listing.skipped]
            same += listing.same
            names = [found[0] for found in listing.fresh]
            fresh += names
            for found, path in zip(listing.fresh, file_paths([lead + name for name in names]), strict=True):
                self._take(found, listing, path, cache)
            if self._progress is not None:
                self._progress(len(same) + len(self._edits), self.bytes)
        if suspects is not None:
            self.unchanged += len(same)
            again = suspects.intersection(same) if len(suspects) != len(cache.known) else same
            for name in again:
                self._edits[file_path(lead + name)] = cache.entry(name)
            self.unchanged -= len(again)  # counted again when compared with the tree
        if len(same) + sum([name in cache.known for name in fresh]) != len(cache.known):
            gone = cache.known.keys() - same
            gone.difference_update(fresh)
            cache.forget(gone)
        if self._delete_missing:
            self._delete_others(where, {lead + name for name in same} | {lead + name for name in fresh})
        if not self._append:
            self._caches.append((cache, where))

    def _suspects(self, cache: StatCache, where: str) -> set[str]:
        """Cached paths that the branch may hold otherwise: none when it still has the cache's tree."""
        tree = self._change.tree
        if cache.base is not None and cache.base == (where, tree):
            return set()
        everything = set(cache.known)
        if cache.base is None or cache.base[0] != where or tree is None:
            return everything
        lead = where + "/" if where else ""
        limit = len(everything) + 1000  # beyond that, looking every path up is cheaper than comparing
        try:
            different = [path for path, _, _ in islice(trees.diff(cache.base[1], tree, self._read), limit)]
        except Damaged:  # that tree's nodes went with a gc
            return everything
        if len(different) == limit:
            return everything
        return everything.intersection([path[len(lead) :] for path in different if path.startswith(lead)])

    def _take(self, found: sources.Found, listing: sources.Listing, path: str, cache: StatCache | None) -> None:
        name, _, kind, stamp = found
        if kind != "l" and stamp[0] >= MINIMUM_BYTES:
            with sources.open_file(found, listing) as file:
                if self._append:
                    self._change.append(path, file)
                    self._count(stamp[0])
                    return
                try:
                    digest, size = self._batch.add_stream(file, stamp[0])
                except OSError as error:
                    raise sources.unreadable(f"{listing.place}/{found.name}", error) from error
            entry = Entry(kind, size, digest)
        else:
            data = sources.read(found, listing)
            if self._append and kind != "l":
                self._change.append(path, data)
                self._count(len(data))
                return
            digest = blake3(data).hexdigest()
            self._batch.add_known(data, digest)
            entry = Entry(kind, len(data), digest)
        self._edits[path] = entry
        if cache is not None:
            cache.learn(name, stamp, entry)

    def _delete_others(self, where: str, kept: set[str]) -> None:
        for path in self._change.files(where):
            if path not in kept:
                self._change.update([(path, None)])
                self.deleted += 1

    def _file(self, source: str, where: str, untar: bool) -> None:
        place = os.path.abspath(source)
        folder, name = os.path.split(place)
        try:
            status = os.stat(place)  # naming a link is choosing what it leads to
            if os.path.islink(place):
                folder, name = os.path.split(os.path.realpath(place))
            listing_fd = os.open(folder, _PASS)
        except OSError as error:
            raise sources.unreadable(source, error) from error
        try:
            kind = sources.kind_of(status.st_mode, source)
            stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)
            listing = sources.Listing(listing_fd, folder, [], [], [])
            found = sources.Found(name, name, kind, stamp)
            if untar:
                with sources.open_file(found, listing) as file:
                    self._archive(file, source, where)
                return
            path = file_path(where)
            cache = None if self._append else self._parent(folder)
            if cache is not None and not self._checksum and cache.known.get(name) == stamp:
                entry = cache.entry(name)
                if self._store.objects.has(entry.digest):
                    self._edits[path] = entry
                    return
            self._take(found, listing, path, cache)
        finally:
            os.close(listing_fd)

    def _parent(self, folder: str) -> StatCache:
        cache = self._parents.get(folder)
        if cache is None:
            cache = self._parents[folder] = StatCache(self._store.place, folder)
        return cache

    def _stream(self, stream: BinaryIO, name: str, where: str, untar: bool, *, executable: bool = False) -> None:
        if untar:
            self._archive(stream, name, where)
            return
        path = file_path(where)
        if self._append:
            self._change.append(path, stream)
            self._count(0)
            return
        digest, size = self._batch.add_stream(stream)
        self._edits[path] = Entry("x" if executable else "f", size, digest)

    def _url(self, url: str, where: str, untar: bool, allow_private: bool) -> None:
        import tempfile

        from pedigree.store import fetch

        with tempfile.TemporaryDirectory(dir=self._store.objects.temporary) as folder:
            place = f"{folder}/body"
            fetch.download(url, place, allow_private=allow_private)
            with open(place, "rb", buffering=0) as file:
                self._stream(file, url, where, untar)

    def _archive(self, stream: BinaryIO, name: str, where: str) -> None:
        from pedigree.store import archives

        lead = where + "/" if where else ""
        for member in archives.members(stream, name):
            path = file_path(lead + member.path)
            if member.kind == "h":
                earlier = self._edits.get(lead + (member.target or ""))
                if earlier is None:
                    raise InvalidInput(
                        f"Member {shown(member.path)} of {name} is another name for "
                        f"{shown(member.target or '')}, which does not come before it.",
                        remedy="Nothing was stored. Make the archive again, or unpack it and put the folder.",
                    )
                self._edits[path] = earlier
            elif member.reader is None:
                data = (member.target or "").encode("utf-8")
                self._edits[path] = Entry("l", len(data), self._batch.add(data))
            elif self._append:
                self._change.append(path, member.reader)
                self._count(member.size)
            else:
                digest, size = self._batch.add_stream(member.reader, member.size)
                self._edits[path] = Entry("x" if member.executable else "f", size, digest)

    # ------------------------------------------------------------------------------------------ all together

    def finish(self) -> None:
        """Hand the change those edits that make a difference."""
        tree = self._change.tree
        edits: Mapping[str, Edit] = self._edits
        if tree is not None and tree != trees.EMPTY:
            edits = {path: one for path, one in self._edits.items() if trees.get(tree, path, self._read) != one}
            self.unchanged += len(self._edits) - len(edits)
            # A file that the branch names although the store has lost its bytes: this put brings them back.
            self.restored = self._batch.new_among(
                [one.digest for path, one in self._edits.items() if path not in edits]
            )
        self.files += len(edits)
        self.bytes += sum([self._edits[path].size for path in edits])
        self._change.update(edits)
        if self._progress is not None:
            self._progress(self.files + self.unchanged, self.bytes)

    def remember(self, started_ns: int) -> None:
        """Write the stat caches, now that the commit stands."""
        change, commit = self._change, self._change.commit
        base: str | None = None
        if self._sources == 1 and change.tree is not None:
            # What another writer landed meanwhile may have replaced a file that we found unchanged: then the
            # new tree vouches for nothing. With several sources, one may have overwritten another's file.
            if commit is None:
                base = None if change.edits else change.tree
            elif commit.state == "finished" and commit.parent == (change.base.id if change.base else None):
                base = commit.tree
        for cache, where in self._caches:
            cache.save(started_ns, None if base is None else (where, base))
        for cache in self._parents.values():
            cache.save(started_ns, None)

    def _count(self, size_bytes: int) -> None:
        self.files += 1
        self.bytes += size_bytes
