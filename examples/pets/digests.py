"""Digests of the files that a model is: what evaluate measured is what release lets out."""

from __future__ import annotations

from pathlib import Path

from blake3 import blake3


def of_files(*places: Path) -> dict[str, str]:
    """Name and BLAKE3 of each file, and of each file in a folder; `pedigree inspect` shows the same digests."""
    files = [file for place in places for file in (sorted(place.iterdir()) if place.is_dir() else [place])]
    return {file.name: blake3(file.read_bytes()).hexdigest() for file in files}
