"""Which pixels, regions and masks of a segmentation data set are wrong. `labels.analyse_masks` is where it begins."""
