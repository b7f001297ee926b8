"""Probabilities for every sample from a model that was not trained on it: five folds, seeded, in the order of the table."""

import csv

import numpy as np
from PIL import Image
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict

CLASSES = ["circle", "square", "triangle"]


def main() -> None:
    with open("/pfs/shapes/labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = np.array([CLASSES.index(row["label"]) for row in rows])
    # Each by its name: a sample that is dropped from the table leaves its picture behind.
    pictures = np.stack([np.asarray(Image.open(f"/pfs/shapes/pictures/{row['id']}")) for row in rows])
    # The spectrum of a picture does not move with the shape in it.
    spectra = np.abs(np.fft.rfft2(pictures / 255.0)).reshape(len(pictures), -1)
    model = ExtraTreesClassifier(200, min_samples_leaf=3, random_state=0, n_jobs=1)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    found = cross_val_predict(model, spectra, labels, cv=folds, method="predict_proba")
    np.save("/pfs/out/probabilities.npy", found.astype(np.float32))


if __name__ == "__main__":
    main()
