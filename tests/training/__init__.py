"""Tests of pedigree.training."""
