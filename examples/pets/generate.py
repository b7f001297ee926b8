"""Draws cats and dogs, with masks, into archives laid out exactly as the Oxford-IIIT Pet data set's.

    python generate.py FOLDER [--pets 120] [--seed 0] [--redraw ID]

Writes FOLDER/images.tar.gz (`images/ID.jpg`) and FOLDER/annotations.tar.gz (`annotations/trimaps/ID.png`,
`annotations/list.txt`). Each pet is drawn from a random state of its own, so the n-th pet is the same whatever the number
of pets: `--pets 121` adds one photograph and changes none, `--redraw beagle_3` changes one. The same arguments give the
same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import io
import math
import random
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter

# All breeds of the real data set, in its order; a capital letter means a cat. Class ids count from 1 along this list,
# breed ids along the cats and along the dogs.
BREEDS = [
    "Abyssinian",
    "american_bulldog",
    "american_pit_bull_terrier",
    "basset_hound",
    "beagle",
    "Bengal",
    "Birman",
    "Bombay",
    "boxer",
    "British_Shorthair",
    "chihuahua",
    "Egyptian_Mau",
    "english_cocker_spaniel",
    "english_setter",
    "german_shorthaired",
    "great_pyrenees",
    "havanese",
    "japanese_chin",
    "keeshond",
    "leonberger",
    "Maine_Coon",
    "miniature_pinscher",
    "newfoundland",
    "Persian",
    "pomeranian",
    "pug",
    "Ragdoll",
    "Russian_Blue",
    "saint_bernard",
    "samoyed",
    "scottish_terrier",
    "shiba_inu",
    "Siamese",
    "Sphynx",
    "staffordshire_bull_terrier",
    "wheaten_terrier",
    "yorkshire_terrier",
]
DRAWN = ("Abyssinian", "beagle", "Bombay", "pug", "Russian_Blue", "samoyed", "Siamese", "shiba_inu")
COATS = {  # the body's colour and the colour of its markings
    "Abyssinian": ((176, 112, 60), (120, 70, 36)),
    "beagle": ((196, 134, 72), (240, 232, 220)),
    "Bombay": ((52, 50, 54), (30, 28, 32)),
    "pug": ((214, 186, 140), (60, 48, 44)),
    "Russian_Blue": ((128, 138, 152), (100, 108, 124)),
    "samoyed": ((240, 238, 230), (214, 208, 198)),
    "Siamese": ((226, 208, 178), (84, 62, 50)),
    "shiba_inu": ((222, 150, 84), (248, 238, 222)),
}
HEADER = (
    "#Image CLASS-ID SPECIES BREED ID\n"
    "#ID: 1:37 Class ids\n"
    "#SPECIES: 1:Cat 2:Dog\n"
    "#BREED ID: 1-25:Cat 1:12:Dog\n"
    "#All images with 1st letter as captial are cat images\n"  # spelt as in the original
    "#images with small first letter are dog images\n"
)
PET, BACKGROUND, BORDER = 1, 2, 3
BORDER_RADIUS = 2  # pixels on either side of the outline that belong to neither pet nor background
FINE = 3  # everything is drawn this many times larger, then reduced: smooth edges

Colour = tuple[int, int, int]


def pet_id(number: int) -> str:
    """The id of the pet with this number, counted from 0: breeds in turn, numbered within the breed from 1."""
    return f"{DRAWN[number % len(DRAWN)]}_{number // len(DRAWN) + 1}"


def list_line(pet: str) -> str:
    """The pet's line of list.txt: id, class id, species, breed id."""
    breed = pet.rsplit("_", 1)[0]
    cat = breed[0].isupper()
    rank = [other for other in BREEDS if other[0].isupper() == cat].index(breed) + 1
    return f"{pet} {BREEDS.index(breed) + 1} {1 if cat else 2} {rank}\n"


def _varied(colour: Colour, spread: int, rng: random.Random) -> Colour:
    red, green, blue = (min(255, max(0, part + rng.randint(-spread, spread))) for part in colour)
    return red, green, blue


def _ellipse(draw: ImageDraw.ImageDraw, centre: tuple[float, float], radii: tuple[float, float], fill: object) -> None:
    (x, y), (rx, ry) = centre, radii
    draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill=fill)  # type: ignore[arg-type]


def _background(size: tuple[int, int], rng: random.Random) -> Image.Image:
    """A floor, a wall and a few things that are no pets, some in the colours of pets."""
    width, height = size
    wall = _varied((rng.randint(60, 220), rng.randint(60, 220), rng.randint(60, 220)), 20, rng)
    scene = Image.new("RGB", size, wall)
    draw = ImageDraw.Draw(scene)
    horizon = rng.randint(height // 3, height * 3 // 4)
    draw.rectangle((0, horizon, width, height), fill=_varied(rng.choice(((96, 140, 70), (150, 120, 92))), 30, rng))
    for _ in range(rng.randint(4, 9)):
        colour = _varied(rng.choice([*[coat for coat, _ in COATS.values()], (70, 110, 160), (180, 60, 60)]), 30, rng)
        x, y = rng.randint(0, width), rng.randint(0, height)
        reach = rng.randint(width // 20, width // 6)
        if rng.random() < 0.5:
            draw.rectangle((x - reach, y - reach // 2, x + reach, y + reach // 2), fill=colour)
        else:
            draw.polygon(
                [(x + rng.randint(-reach, reach), y + rng.randint(-reach, reach)) for _ in range(4)],
                fill=colour,
            )
    return scene.filter(ImageFilter.GaussianBlur(rng.uniform(0, 4)))


def _shapes(cat: bool, unit: float, rng: random.Random) -> dict[str, list[tuple[object, ...]]]:
    """The parts of one animal around (0, 0), the middle of its head, as (kind, numbers...) in units of the head."""
    lean = rng.uniform(-0.5, 0.5)
    body: list[tuple[object, ...]] = [
        ("ellipse", lean, 1.9, 0.95, 1.35),
        ("ellipse", lean - 0.6, 3.0, 0.32, 0.42),
        ("ellipse", lean + 0.6, 3.0, 0.32, 0.42),
        ("ellipse", 0.0, 0.0, 1.0, 0.86 if cat else 0.96),
    ]
    tail_side = rng.choice((-1, 1))
    for joint in range(25):
        bend = joint / 24
        body.append(
            (
                "ellipse",
                lean + tail_side * (0.9 + 0.8 * math.sin(bend * 2.4)),
                2.8 - 2.0 * bend * (1.0 if cat else 0.7),
                0.17,
                0.17,
            )
        )
    marks: list[tuple[object, ...]]
    if cat:
        body += [("triangle", side * 0.88, -0.25, side * 0.82, -1.35, side * 0.18, -0.75) for side in (-1, 1)]
        marks = [("triangle", side * 0.78, -0.5, side * 0.76, -1.1, side * 0.4, -0.75) for side in (-1, 1)]
        marks += [("ellipse", lean + step * 0.4, 1.6 + abs(step) * 0.2, 0.08, 0.5) for step in (-1, 0, 1)]
    else:
        body += [("ellipse", side * 1.0, 0.1, 0.3, 0.72) for side in (-1, 1)]
        marks = [("ellipse", side * 1.02, 0.2, 0.22, 0.58) for side in (-1, 1)]
        marks += [("ellipse", 0.0, 0.42, 0.44, 0.36), ("ellipse", lean, 2.2, 0.5, 0.8)]
    return {"body": body, "marks": marks}


def _draw(
    draw: ImageDraw.ImageDraw, shape: tuple[object, ...], place: tuple[float, float, float], fill: object
) -> None:
    x, y, unit = place
    kind, *numbers = shape
    at = [float(number) * unit for number in numbers]  # type: ignore[arg-type]
    if kind == "ellipse":
        _ellipse(draw, (x + at[0], y + at[1]), (at[2], at[3]), fill)
    else:
        points = [(x + at[corner], y + at[corner + 1]) for corner in range(0, len(at), 2)]
        draw.polygon(points, fill=fill)  # type: ignore[arg-type]


def trimap(pet: Image.Image) -> Image.Image:
    """The trimap of a silhouette (mode L, 0 or 255): 1 inside, 2 outside, 3 within BORDER_RADIUS of the outline."""
    window = 2 * BORDER_RADIUS + 1
    inside = pet.filter(ImageFilter.MinFilter(window))
    outside = ImageChops.invert(pet.filter(ImageFilter.MaxFilter(window)))
    mask = Image.new("L", pet.size, BORDER)
    mask.paste(PET, mask=inside)
    mask.paste(BACKGROUND, mask=outside)
    return mask


def draw_pet(pet: str, seed: int) -> tuple[Image.Image, Image.Image]:
    """The photograph (RGB) and the trimap (L) of this pet; both depend on the id and the seed alone."""
    rng = random.Random(f"{seed}/{pet}")
    breed = pet.rsplit("_", 1)[0]
    cat = breed[0].isupper()
    size = rng.choice(((200, 150), (150, 200), (180, 180), (240, 180)))
    width, height = size[0] * FINE, size[1] * FINE
    scene = _background((width, height), rng)
    silhouette = Image.new("L", (width, height), 0)
    unit = min(width, height) * rng.uniform(0.15, 0.24)
    place = (width * rng.uniform(0.3, 0.7), height * rng.uniform(0.24, 0.4), unit)
    coat, marking = (_varied(colour, 14, rng) for colour in COATS[breed])
    shapes = _shapes(cat, unit, rng)
    paint, outline = ImageDraw.Draw(scene), ImageDraw.Draw(silhouette)
    for shape in shapes["body"]:
        _draw(paint, shape, place, coat)
        _draw(outline, shape, place, 255)
    for shape in shapes["marks"]:
        _draw(paint, shape, place, marking)
    x, y, _ = place
    for side in (-1, 1):
        _ellipse(paint, (x + side * unit * 0.38, y - unit * 0.1), (unit * 0.16, unit * 0.16), (250, 244, 200))
        _ellipse(
            paint,
            (x + side * unit * 0.38, y - unit * 0.1),
            (unit * (0.06 if cat else 0.1), unit * 0.13),
            (20, 18, 16),
        )
    _ellipse(paint, (x, y + unit * 0.32), (unit * 0.14, unit * 0.1), (40, 28, 28))

    photograph = scene.resize(size, Image.Resampling.BOX)
    grain = Image.frombytes("L", size, rng.randbytes(size[0] * size[1])).convert("RGB")
    photograph = Image.blend(photograph, grain, rng.uniform(0.02, 0.1))
    small = silhouette.resize(size, Image.Resampling.BOX).point([0] * 128 + [255] * 128)
    return photograph, trimap(small)


def _encoded(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **({"quality": 90} if kind == "JPEG" else {}))
    return buffer.getvalue()


def write_archive(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """A .tar.gz of these files whose bytes depend on names and contents alone."""
    # Level 1: photographs do not get smaller by trying harder.
    with (
        path.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0, compresslevel=1) as packed,
    ):
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, data in files:
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))


def generate(folder: Path, pets: int, seed: int, redraw: str | None = None) -> None:
    """Write both archives into `folder`, which is made if need be; the pet `redraw` as another seed draws it."""
    ids = sorted((pet_id(number) for number in range(pets)), key=str.lower)
    if redraw is not None and redraw not in ids:
        sys.exit(f"there is no pet {redraw} among these {pets}; the last is {pet_id(pets - 1)}")
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {pet: draw_pet(pet, seed + (pet == redraw)) for pet in ids}
    images = [(f"images/{pet}.jpg", _encoded(drawn[pet][0], "JPEG")) for pet in ids]
    masks = [(f"annotations/trimaps/{pet}.png", _encoded(drawn[pet][1], "PNG")) for pet in ids]
    listing = HEADER + "".join(list_line(pet) for pet in ids)
    write_archive(folder / "images.tar.gz", images)
    write_archive(folder / "annotations.tar.gz", [("annotations/list.txt", listing.encode()), *masks])


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Draw cats and dogs into archives laid out as the Oxford-IIIT Pet data set."
    )
    parser.add_argument("folder", type=Path, help="where images.tar.gz and annotations.tar.gz are written")
    parser.add_argument("--pets", type=int, default=120, help="how many (default 120)")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other pets (default 0)")
    parser.add_argument("--redraw", metavar="ID", help="draw this one pet anew, as the next seed would")
    arguments = parser.parse_args()
    generate(arguments.folder, arguments.pets, arguments.seed, arguments.redraw)
    print(f"{arguments.folder}: images.tar.gz and annotations.tar.gz with {arguments.pets} pets")


if __name__ == "__main__":
    main()
