"""Comparison bit for bit that understands what it compares, and says where two things part first."""
