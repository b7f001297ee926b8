"""transform: one pet of the warehouse to a resized pair, filed under the part of the data set it belongs to.

    python transform.py

The part is decided by md5(id) modulo 10 and by nothing else: a pet never changes sides when others come or go.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import yaml
from PIL import Image, ImageOps

PFS = Path("/pfs")
# md5(id) % 10: 0 to 6 train the model, 7 watches the training, 8 waits for calibration, 9 judges.
PARTS = ("training",) * 7 + ("validation", "calibration", "test")


def part_of(pet: str) -> str:
    """The part of the data set that the pet with this id belongs to."""
    # A partition, not a protection: md5 is what the workload's description names.
    return PARTS[int(hashlib.md5(pet.encode(), usedforsecurity=False).hexdigest(), 16) % 10]


def flattened(image: Image.Image) -> Image.Image:
    """The picture in RGB; what is transparent becomes white, whatever colour hides behind it."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def resize(pet: Path, target: Path, size: int) -> None:
    """Write `image.png` and `mask.png` of `size` x `size` pixels; no colour and no mask value is made up."""
    target.mkdir(parents=True)
    facts = json.loads((pet / "facts.json").read_text())
    with Image.open(pet / "image.jpg") as image:
        # draft() lets the JPEG decoder halve a large photograph while decoding; BOX then averages what is left.
        image.draft("RGB", (size, size))
        upright = ImageOps.exif_transpose(image) if facts["turned"] else image
        flattened(upright).resize((size, size), Image.Resampling.BOX).save(target / "image.png")
    with Image.open(pet / "mask.png") as mask:
        mask.resize((size, size), Image.Resampling.NEAREST).save(target / "mask.png")


def main() -> None:
    # Checked when the spec was applied; a step that runs once for each pet does not do it again.
    size = yaml.safe_load((PFS / ".config.yaml").read_text())["data"]["size"]
    for pet in sorted((PFS / "warehouse").iterdir()):
        part = part_of(pet.name)
        resize(pet, PFS / "out" / part / pet.name, size)
        print(f"{pet.name}: {part}")


if __name__ == "__main__":
    main()
