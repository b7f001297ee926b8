"""What a training shows of each sample: margins, probabilities, losses, forgetting, in a few numbers a sample."""
