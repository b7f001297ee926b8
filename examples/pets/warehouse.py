"""warehouse: the photograph, the mask and the facts of one pet, checked and put into one folder named by its id.

    python warehouse.py

A datum is one id, joined from three inputs. Any of the three may be missing (the join is an outer one), damaged or of the
wrong size; that is found here, once, and named, so that no later step meets it.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path
from typing import NoReturn

from PIL import ExifTags, Image, UnidentifiedImageError

PFS = Path("/pfs")
PET, BACKGROUND, BORDER = 1, 2, 3  # the values of a trimap
SIDEWAYS = (5, 6, 7, 8)  # the EXIF orientations that exchange width and height
# What Pillow raised for 25,000 damaged JPEG, PNG, GIF, BMP, TIFF and WebP files.
UNDECODABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


def refuse(path: str, problem: str, remedy: str) -> NoReturn:
    """End the step with the file's name, what is wrong with it, and what to do."""
    sys.exit(f"{path}: {problem}. {remedy}")


def one_file(name: str) -> Path | None:
    """The only file that the input `name` holds for this datum; None where the join found none."""
    files = [path for path in (PFS / name).rglob("*") if path.is_file()] if (PFS / name).is_dir() else []
    return files[0] if files else None


def decoded(path: Path, shown: str) -> Image.Image:
    """The whole picture; ends the step if a part of it is missing or it is no picture."""
    try:
        image = Image.open(io.BytesIO(path.read_bytes()))
        image.load()
        image.getexif()
    except UNDECODABLE as error:
        why = "it begins like no kind of picture" if isinstance(error, UnidentifiedImageError) else error
        refuse(shown, f"cannot be decoded ({why})", "Put an undamaged copy, or delete this pet")
    return image


def is_turned(image: Image.Image, mask: Image.Image) -> bool | None:
    """Whether the mask was drawn on the photograph as its EXIF orientation turns it; None where it fits neither way.

    A mask belongs to the pixels as they are stored, as in the original data set, unless only the turned photograph
    has its size.
    """
    if mask.size == image.size:
        return False
    sideways = image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
    return True if sideways and mask.size == (image.height, image.width) else None


def main() -> None:
    image_path, mask_path, facts_path = one_file("images"), one_file("trimaps"), one_file("pets")
    found = next(path for path in (image_path, mask_path, facts_path) if path)
    pet = found.stem
    photograph, trimap, facts_name = f"images/{pet}.jpg", f"trimaps/{pet}.png", f"pets/{pet}.json"
    if not image_path:
        refuse(
            photograph,
            f"missing, though there is {found.parent.name}/{found.name}",
            "Put the photograph as well",
        )
    if not mask_path:
        refuse(photograph, f"has no mask: {trimap} is missing", "Put the mask as well, or delete the photograph")
    if not facts_path:
        refuse(photograph, f"has no label: {facts_name} is missing", "Add its line to annotations/list.txt")

    image, mask = decoded(image_path, photograph), decoded(mask_path, trimap)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        refuse(photograph, f"has more than 8 bits a channel (mode {image.mode})", "Save it with 8 bits")
    turned = is_turned(image, mask)
    if turned is None:
        refuse(
            trimap,
            f"the mask is {mask.width} x {mask.height} pixels, but {photograph} is {image.width} x {image.height}",
            "Put the mask that belongs to this photograph",
        )
    pixels = mask.histogram() if mask.mode in ("L", "P") else []
    if sum(pixels[PET : BORDER + 1]) != mask.width * mask.height:
        values = [value for value, count in enumerate(pixels) if count]
        refuse(
            trimap,
            f"a mask holds 1 (pet), 2 (background) and 3 (border) alone, this one is of mode {mask.mode} with {values}",
            "Put a trimap",
        )

    facts = json.loads(facts_path.read_text())
    facts |= {"width": mask.width, "height": mask.height, "format": image.format, "turned": turned}
    facts["pet_pixels"] = pixels[PET]
    folder = PFS / "out" / pet
    folder.mkdir()
    shutil.copyfile(image_path, folder / "image.jpg")
    shutil.copyfile(mask_path, folder / "mask.png")
    (folder / "facts.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
    print(f"{pet}: {facts['breed']}, {mask.width} x {mask.height}" + (", turned by its EXIF data" if turned else ""))


if __name__ == "__main__":
    main()
