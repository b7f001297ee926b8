"""The names of filters, ranks and methods, the default first: what the command line offers without loading any of them."""

FILTERS = ("union", "prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given")
RANKS = ("blend", "threshold_margin", "self_confidence", "normalized_margin", "confidence_weighted_entropy")
#: Of cells, where an example may have several classes.
CELL_FILTERS = ("co_occurrence", *FILTERS[1:])
#: Of masks.
MASK_RANKS = (
    "clear_evidence",
    "strong_evidence",
    "evidence",
    "blend",
    "lowest",
    "softmin",
    "num_pixel_issues",
    "worst_component",
)
#: Of what a training showed.
SIGNAL_RANKS = ("aum", "confidence", "correctness", "loss", "last_loss", "el2n", "forgetting")
#: How several annotators agree.
CONSENSUS_METHODS = ("crowdlab", "majority_vote", "dawid_skene")
