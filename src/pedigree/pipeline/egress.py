"""Egress: an output commit's files written to a folder or a bucket as well, before the job counts as a success.

Every file is written whole under a temporary name and renamed (a folder) or put in one request (S3), so a reader of the
target never sees half a file. Egress adds and overwrites; it deletes nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pedigree.errors import InvalidSpec, MissingExtra, PedigreeError, StorageFailure
from pedigree.pipeline.model import Egress
from pedigree.store import trees

if TYPE_CHECKING:
    from pedigree.store import Store

#: Pachyderm retries for ever; so do we, with these pauses in seconds, the last one repeated.
PAUSES_S = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0)


def write(store: Store, tree: str, egress: Egress, *, stopped: Callable[[], bool], say: Callable[[str], object]) -> int:
    """Write every file of the tree to the URL; how many. Tries again until it works or the run is stopped.

    `say` is told why it did not work, each time.
    """
    target = _target(egress.url)
    attempt = 0
    while True:
        try:
            return target(store, tree)
        except StorageFailure as failure:
            if stopped():
                raise PedigreeError(f"Egress to {egress.url} was stopped: {failure.message}") from failure
            pause = PAUSES_S[min(attempt, len(PAUSES_S) - 1)]
            say(f"{failure.message} {failure.remedy or ''}".rstrip() + f" It is tried again in {pause:g} s.")
            _wait(pause, stopped)
            attempt += 1


def _target(url: str) -> Callable[[Store, str], int]:
    parts = urlsplit(url)
    if parts.scheme == "file":
        folder = unquote(parts.path)
        return lambda store, tree: _to_folder(store, tree, folder)
    if parts.scheme == "s3":
        client = _client()
        return lambda store, tree: _to_bucket(store, tree, client, parts.netloc, parts.path.strip("/"))
    raise InvalidSpec(
        f"Egress to {url!r} is not possible: its scheme is {parts.scheme!r}.",
        remedy="Use file:///folder or s3://bucket/prefix.",
    )


def _to_folder(store: Store, tree: str, folder: str) -> int:
    number = 0
    try:
        for path, entry in trees.scan(tree, store.objects.read):
            target = os.path.join(folder, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            temporary = f"{target}.pedigree-{os.getpid()}"
            if entry.kind == "l":
                os.symlink(store.objects.read(entry.digest).decode(), temporary)
            else:
                with store.objects.open(entry.digest) as source, open(temporary, "wb") as sink:
                    while chunk := source.read(1 << 20):
                        sink.write(chunk)
                    os.fchmod(sink.fileno(), 0o755 if entry.kind == "x" else 0o644)
            # Not the store's file, so not durable.py's business: the target is the user's folder.
            os.replace(temporary, target)
            number += 1
    except OSError as error:
        if isinstance(error, PedigreeError):
            raise
        raise StorageFailure(
            f"Egress to {folder} failed: {error}.", remedy="Check that folder and its disk."
        ) from error
    return number


def _client() -> Any:
    try:
        import boto3
    except ImportError:
        raise MissingExtra(
            "Egress to S3 needs boto3, which is not installed.", remedy="pip install 'pedigree-ml[s3]'"
        ) from None
    return boto3.client("s3", endpoint_url=os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"))


def _to_bucket(store: Store, tree: str, client: Any, bucket: str, prefix: str) -> int:
    from botocore.exceptions import BotoCoreError, ClientError

    number = 0
    try:
        for path, entry in trees.scan(tree, store.objects.read):
            name = f"{prefix}/{path}" if prefix else path
            with store.objects.open(entry.digest) as source:
                client.upload_fileobj(source, bucket, name)
            number += 1
    except (BotoCoreError, ClientError) as error:
        raise StorageFailure(
            f"Egress to s3://{bucket}/{prefix} failed: {str(error).rstrip('.')}.",
            remedy="Check the bucket, the credentials (AWS_ACCESS_KEY_ID, ~/.aws) and AWS_ENDPOINT_URL_S3.",
        ) from error
    return number


def _wait(seconds: float, stopped: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not stopped():
        time.sleep(0.05)
