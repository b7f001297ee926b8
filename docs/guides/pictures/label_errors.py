"""The pictures of docs/guides/label-errors.md, made from the folder in which the guide was typed.

python docs/guides/pictures/label_errors.py FOLDER
"""

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet
from matplotlib.figure import Figure
from PIL import Image

HERE = Path(__file__).parent
#: Of Okabe and Ito: told apart with any colour vision.
GIVEN, SUGGESTED = "#D55E00", "#0072B2"


def worst(folder: Path) -> Image.Image:
    """The twelve worst digits with their given and suggested labels."""
    rows = pyarrow.parquet.read_table(folder / "doubts/issues.parquet").slice(0, 12).to_pylist()
    with open(folder / "digits/images.npy", "rb") as file:
        images = np.lib.format.read_array(file, allow_pickle=False)
    figure = Figure(figsize=(9, 3.6), dpi=100)
    for place, row in enumerate(rows):
        axes = figure.add_subplot(2, 6, place + 1)
        axes.imshow(images[row["index"]], cmap="gray", interpolation="nearest")
        axes.set_axis_off()
        axes.text(
            0.36, -0.14, row["given"], color=GIVEN, ha="right", fontsize=15, weight="bold", transform=axes.transAxes
        )
        axes.text(0.5, -0.14, "→", color="#555555", ha="center", fontsize=15, transform=axes.transAxes)
        axes.text(
            0.64,
            -0.14,
            row["suggested"],
            color=SUGGESTED,
            ha="left",
            fontsize=15,
            weight="bold",
            transform=axes.transAxes,
        )
    figure.subplots_adjust(0.01, 0.09, 0.99, 0.99, 0.05, 0.2)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return Image.open(file)


def page(folder: Path) -> Image.Image:
    """The page as Chromium shows it at 1280 x 860 pixels."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("The picture of the page takes Chromium, which is not installed.")
    with tempfile.TemporaryDirectory() as scratch:
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={scratch}/profile",
        ]
        shot = ["--window-size=1280,860", "--virtual-time-budget=2000", f"--screenshot={scratch}/page.png"]
        address = (folder / "doubts/report.html").resolve().as_uri()
        subprocess.run([chromium, *options, *shot, address], check=True, stderr=subprocess.DEVNULL)
        with Image.open(f"{scratch}/page.png") as found:
            return found.convert("RGB")


def main() -> None:
    folder = Path(sys.argv[1])
    for name, picture in (("worst", worst(folder)), ("page", page(folder))):
        few = picture.convert("RGB").quantize(96, dither=Image.Dither.NONE)  # a third of the bytes, and nobody sees it
        few.save(HERE / f"label-errors-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
