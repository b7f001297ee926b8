"""Probabilities for every sample from a model that was not trained on it."""
