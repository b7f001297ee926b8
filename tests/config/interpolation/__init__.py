"""Interpolations, with OmegaConf as the oracle."""
