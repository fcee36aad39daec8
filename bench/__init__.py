"""Benchmarks: measured on the machine at hand, printed as they come out."""
