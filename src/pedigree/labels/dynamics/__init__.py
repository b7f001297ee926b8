"""Wrong labels from what a training showed of each sample: no cross-validation, one training."""
