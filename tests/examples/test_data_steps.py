"""stream, warehouse and transform, each run on folders laid out like /pfs."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
import zlib
from pathlib import Path
from types import ModuleType

import pytest
from PIL import ExifTags, Image

from .steps import load

LIST = b"#Image CLASS-ID SPECIES BREED ID\n#ID: 1:37 Class ids\n#SPECIES: 1:Cat 2:Dog\n#\n#\n#\n"


def _picture(
    kind: str, size: tuple[int, int] = (40, 30), value: int = 1, mode: str = "L", orientation: int | None = None
) -> bytes:
    buffer, exif = io.BytesIO(), Image.Exif()
    if orientation is not None:
        exif[ExifTags.Base.Orientation] = orientation
    colours = {"RGB": (90, value, 30), "RGBA": (90, value, 30, 0), "CMYK": (90, value, 30, 10)}
    Image.new(mode, size, colours.get(mode, value)).save(buffer, kind, exif=exif)
    return buffer.getvalue()


def _bomb() -> bytes:
    """A PNG of a few bytes that says that it is 2^16 pixels square."""
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", struct.pack(">IIBBBBB", 1 << 16, 1 << 16, 8, 0, 0, 0, 0)), (b"IDAT", b"")):
        data += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return data


def _archive(path: Path, files: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def _written(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# ------------------------------------------------------------------------------------------------------------- stream


def _archives(folder: Path, listing: bytes, images: list[str], masks: list[str]) -> None:
    photograph, mask = _picture("JPEG", mode="RGB"), _picture("PNG")
    _archive(folder / "images.tar.gz", {f"images/{pet}.jpg": photograph for pet in images} | {"images/a.mat": b"x"})
    _archive(
        folder / "annotations.tar.gz",
        {f"annotations/trimaps/{pet}.png": mask for pet in masks}
        | {"annotations/list.txt": LIST + listing, "annotations/trimaps/._a.png": b"x", "annotations/xmls/a.xml": b"x"},
    )


def test_stream_makes_three_files_of_each_listed_pet(tmp_path: Path) -> None:
    """Of a pet come the photograph, the mask and the facts of its line; other members become nothing. Break: let the
    archive's own name be the path."""
    _archives(tmp_path / "in", b"Bengal_1 6 1 2\npug_7 26 2 19\n", ["Bengal_1", "pug_7"], ["Bengal_1", "pug_7"])
    load("stream").unpack(tmp_path / "in", tmp_path / "out")
    pets = ("Bengal_1", "pug_7")
    assert _written(tmp_path / "out") == {
        name for pet in pets for name in (f"images/{pet}.jpg", f"trimaps/{pet}.png", f"pets/{pet}.json")
    }
    facts = json.loads((tmp_path / "out/pets/pug_7.json").read_text())
    assert facts == {"id": "pug_7", "class_id": 26, "species": "Dog", "breed_id": 19, "breed": "pug"}


def test_a_line_more_in_the_list_changes_no_other_file(tmp_path: Path) -> None:
    """Facts of a pet depend on its own line alone. Break: copy list.txt beside every pet."""
    stream = load("stream")
    before = stream.parse_list("Bengal_1 6 1 2\n")
    after = stream.parse_list("pug_7 26 2 19\nBengal_1 6 1 2\n")
    assert before.items() <= after.items()


def test_stream_leaves_the_unlisted_out_and_passes_the_incomplete_on(tmp_path: Path) -> None:
    """A photograph with mask and no line is left out; one without a mask goes on, for warehouse to name. Break: skip
    whatever is not listed."""
    _archives(tmp_path / "in", b"Bengal_1 6 1 2\n", ["Bengal_1", "odd_1", "new_1"], ["Bengal_1", "odd_1"])
    load("stream").unpack(tmp_path / "in", tmp_path / "out")
    assert _written(tmp_path / "out") == {
        "images/Bengal_1.jpg", "trimaps/Bengal_1.png", "pets/Bengal_1.json", "images/new_1.jpg"
    }  # fmt: skip


def test_stream_writes_nothing_that_a_hostile_name_asks_for(tmp_path: Path) -> None:
    """Names that would leave the folder become no file. Break: allow / and a leading dot in an id."""
    _archives(tmp_path / "in", b"Bengal_1 6 1 2\n", ["Bengal_1", "../../evil", "..", "a/b"], ["Bengal_1", "../../evil"])
    load("stream").unpack(tmp_path / "in", tmp_path / "out")
    assert not [name for name in _written(tmp_path) if not name.startswith("in/") and "Bengal_1" not in name]


def test_stream_takes_the_endings_that_cameras_write(tmp_path: Path) -> None:
    """.JPG, .jpeg and .PNG are the same files to everything after. Break: match the ending by its case."""
    photograph, mask = _picture("JPEG", mode="RGB"), _picture("PNG")
    listing = LIST + "".join(f"{pet} 6 1 2\n" for pet in ("a_1", "b_2", "\u00fc.3")).encode()
    _archive(
        tmp_path / "in/images.tar.gz",
        {"images/a_1.JPG": photograph, "images/b_2.jpeg": photograph, "./images/\u00fc.3.jpg": photograph},
    )
    _archive(
        tmp_path / "in/annotations.tar.gz",
        {"annotations/list.txt": listing}
        | {f"annotations/trimaps/{name}": mask for name in ("a_1.PNG", "b_2.png", "\u00fc.3.png")},
    )
    load("stream").unpack(tmp_path / "in", tmp_path / "out")
    assert _written(tmp_path / "out") == {
        name
        for pet in ("a_1", "b_2", "\u00fc.3")
        for name in (f"images/{pet}.jpg", f"trimaps/{pet}.png", f"pets/{pet}.json")
    }


def test_stream_refuses_two_photographs_of_one_pet(tmp_path: Path) -> None:
    """They would overwrite each other. Break: let the later win."""
    _archives(tmp_path / "in", b"Bengal_1 6 1 2\n", ["Bengal_1"], ["Bengal_1"])
    photograph = _picture("JPEG", mode="RGB")
    _archive(tmp_path / "in/images.tar.gz", {"images/Bengal_1.jpg": photograph, "images/Bengal_1.JPG": photograph})
    with pytest.raises(SystemExit, match=r"images/Bengal_1\.JPG: a second file for the pet Bengal_1, beside"):
        load("stream").unpack(tmp_path / "in", tmp_path / "out")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("missing", "archives/annotations.tar.gz: missing"),
        ("cut", "archives/images.tar.gz: not a whole .tar.gz"),
        ("line", "annotations/list.txt, line 7: ID, class id, species and breed id expected, got 'Bengal_1 6 1'"),
    ],
)
def test_stream_names_what_is_wrong_with_an_archive(tmp_path: Path, damage: str, message: str) -> None:
    """Each damage ends the step with the archive's or the line's name. Break: skip lines that do not parse."""
    _archives(
        tmp_path / "in", b"Bengal_1 6 1\n" if damage == "line" else b"Bengal_1 6 1 2\n", ["Bengal_1"], ["Bengal_1"]
    )
    if damage == "missing":
        (tmp_path / "in/annotations.tar.gz").unlink()
    if damage == "cut":
        path = tmp_path / "in/images.tar.gz"
        path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(SystemExit) as ended:
        load("stream").unpack(tmp_path / "in", tmp_path / "out")
    assert str(ended.value).startswith(message)


# ---------------------------------------------------------------------------------------------------------- warehouse


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The step, its /pfs in tmp_path, with the three inputs of a sound pet."""
    module = load("warehouse")
    monkeypatch.setattr(module, "PFS", tmp_path)
    inputs = {
        "images/images/pug_7.jpg": _picture("JPEG", mode="RGB"),
        "trimaps/trimaps/pug_7.png": _picture("PNG", value=2),
        "pets/pets/pug_7.json": json.dumps({"id": "pug_7", "breed": "pug"}).encode(),
    }
    for name, data in inputs.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "out").mkdir()
    return module


def test_warehouse_gathers_one_folder_per_pet(warehouse: ModuleType, tmp_path: Path) -> None:
    """The photograph and the mask arrive byte for byte, the facts with the size. Break: save the image again."""
    warehouse.main()
    assert _written(tmp_path / "out") == {"pug_7/image.jpg", "pug_7/mask.png", "pug_7/facts.json"}
    assert (tmp_path / "out/pug_7/image.jpg").read_bytes() == (tmp_path / "images/images/pug_7.jpg").read_bytes()
    facts = json.loads((tmp_path / "out/pug_7/facts.json").read_text())
    size = {"width": 40, "height": 30, "turned": False}
    assert facts == {"id": "pug_7", "breed": "pug", "format": "JPEG", "pet_pixels": 0, **size}


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        (
            "images/images/pug_7.jpg",
            _picture("JPEG", (400, 300), mode="RGB")[:900],
            "images/pug_7.jpg: cannot be decoded",
        ),
        ("images/images/pug_7.jpg", b"no picture", "images/pug_7.jpg: cannot be decoded (it begins like no kind of"),
        ("images/images/pug_7.jpg", _bomb(), "images/pug_7.jpg: cannot be decoded (Image size (4294967296 pixels)"),
        ("images/images/pug_7.jpg", _picture("PNG", mode="I;16"), "images/pug_7.jpg: has more than 8 bits a channel"),
        (
            "images/images/pug_7.jpg",
            _picture("JPEG", (30, 40), mode="RGB", orientation=3),
            "trimaps/pug_7.png: the mask is 40 x 30 pixels, but images/pug_7.jpg is 30 x 40",
        ),
        ("trimaps/trimaps/pug_7.png", _picture("PNG", (30, 40)), "trimaps/pug_7.png: the mask is 30 x 40 pixels, but"),
        ("trimaps/trimaps/pug_7.png", _picture("PNG", value=4), "trimaps/pug_7.png: a mask holds 1 (pet), 2"),
        ("trimaps/trimaps/pug_7.png", _picture("PNG", mode="RGB"), "trimaps/pug_7.png: a mask holds 1 (pet), 2"),
        ("trimaps/trimaps/pug_7.png", None, "images/pug_7.jpg: has no mask: trimaps/pug_7.png is missing"),
        ("images/images/pug_7.jpg", None, "images/pug_7.jpg: missing, though there is"),
        ("pets/pets/pug_7.json", None, "images/pug_7.jpg: has no label: pets/pug_7.json is missing"),
    ],
    ids=[
        "truncated",
        "no picture",
        "bomb",
        "sixteen bits",
        "turned upside down",
        "other size",
        "other values",
        "colour mask",
        "no mask",
        "no photograph",
        "no label",
    ],
)
def test_warehouse_refuses_a_bad_pet_by_the_name_of_its_file(
    warehouse: ModuleType, tmp_path: Path, name: str, data: bytes | None, message: str
) -> None:
    """One line that begins with the file's name, and no output. Break: drop `image.load()`."""
    if data is None:
        (tmp_path / name).unlink()
        (tmp_path / name).parent.rmdir()
    else:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(SystemExit) as ended:
        warehouse.main()
    assert str(ended.value).startswith(message)
    assert "\n" not in str(ended.value)
    assert not _written(tmp_path / "out")


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("GIF", "P"), ("PNG", "LA"), ("PNG", "1")]
)
def test_a_picture_of_any_kind_goes_through_both_steps(
    warehouse: ModuleType, tmp_path: Path, kind: str, mode: str
) -> None:
    """The original has a few GIFs and PNGs under the name .jpg. Break: refuse whatever is not an RGB JPEG."""
    (tmp_path / "images/images/pug_7.jpg").write_bytes(_picture(kind, mode=mode))
    warehouse.main()
    load("transform").resize(tmp_path / "out/pug_7", tmp_path / "small", 32)
    with Image.open(tmp_path / "small/image.png") as image:
        assert (image.size, image.mode) == ((32, 32), "RGB")
        colours = [colour for _, colour in image.getcolors() or []]
    assert mode != "RGBA" or colours == [(255, 255, 255)]  # wholly transparent: what hides behind it is not shown


def _lopsided(orientation: int, stored: tuple[int, int]) -> bytes:
    """A photograph that, shown as its EXIF orientation says, is red where the shown picture's left half is."""
    shown = (stored[1], stored[0]) if orientation >= 5 else stored
    upright = Image.new("RGB", shown, (0, 0, 200))
    upright.paste((200, 0, 0), (0, 0, shown[0] // 2, shown[1]))
    undo = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    pixels = upright.transpose(undo[orientation]) if orientation in undo else upright
    assert pixels.size == stored
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Orientation] = orientation
    pixels.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("orientation", "stored", "turned"), [(6, (30, 40), True), (8, (30, 40), True), (1, (40, 30), False)]
)
def test_a_photograph_lies_on_its_mask_whatever_its_exif_orientation(
    warehouse: ModuleType, tmp_path: Path, orientation: int, stored: tuple[int, int], turned: bool
) -> None:
    """A mask of 40 x 30 drawn on what a viewer shows: the pixels are turned as well. Break: open without
    `exif_transpose`, or turn where the stored pixels fit."""
    (tmp_path / "images/images/pug_7.jpg").write_bytes(_lopsided(orientation, stored))
    warehouse.main()
    facts = json.loads((tmp_path / "out/pug_7/facts.json").read_text())
    assert (facts["turned"], facts["width"], facts["height"]) == (turned, 40, 30)
    load("transform").resize(tmp_path / "out/pug_7", tmp_path / "small", 32)
    with Image.open(tmp_path / "small/image.png") as image:
        left, right = image.getpixel((6, 16)), image.getpixel((26, 16))
    assert left[0] > 150 > 80 > left[2], left  # type: ignore[index]  # RGB
    assert right[2] > 150 > 80 > right[0], right  # type: ignore[index]


def test_a_mask_of_the_stored_size_belongs_to_the_stored_pixels(warehouse: ModuleType, tmp_path: Path) -> None:
    """As in the original data set, whose tools know no EXIF. Break: turn whenever there is an orientation."""
    (tmp_path / "images/images/pug_7.jpg").write_bytes(_picture("JPEG", (40, 30), mode="RGB", orientation=6))
    warehouse.main()
    assert json.loads((tmp_path / "out/pug_7/facts.json").read_text())["turned"] is False


# ---------------------------------------------------------------------------------------------------------- transform


def test_the_partition_is_md5_of_the_id_modulo_ten() -> None:
    """0 to 6 train, 7 validates, 8 calibrates, 9 tests. Break: use the first hexadecimal digit."""
    transform = load("transform")
    names = ["training"] * 7 + ["validation", "calibration", "test"]
    for pet in ("Abyssinian_1", "beagle_77", "Siamese_200", "street_0001TP_006690", "Ünïcode_1"):
        assert transform.part_of(pet) == names[int(hashlib.md5(pet.encode()).hexdigest(), 16) % 10]  # noqa: S324  # the law itself
    # Written down once, so that a change of the rule cannot go unnoticed together with this test.
    assert [transform.part_of(f"beagle_{n}") for n in range(1, 6)] == [
        "training",
        "training",
        "training",
        "test",
        "training",
    ]


def test_resizing_invents_no_mask_value(tmp_path: Path) -> None:
    """Sides are as asked and the mask holds only values that it held. Break: resize the mask bilinearly."""
    pet = tmp_path / "pug_7"
    pet.mkdir()
    (pet / "image.jpg").write_bytes(_picture("JPEG", (90, 50), mode="RGB"))
    mask = Image.new("L", (90, 50), 3)
    mask.paste(1, (20, 10, 50, 30))
    mask.save(pet / "mask.png")
    (pet / "facts.json").write_text('{"turned": false}')
    load("transform").resize(pet, tmp_path / "out/training/pug_7", 32)
    with Image.open(tmp_path / "out/training/pug_7/image.png") as image:
        assert (image.size, image.mode) == ((32, 32), "RGB")
    with Image.open(tmp_path / "out/training/pug_7/mask.png") as small:
        assert small.size == (32, 32)
        assert {value for _, value in small.getcolors() or []} == {1, 3}
