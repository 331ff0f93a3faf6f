"""Benchmarks of the whole program beside its peers: one file each, run by `campaigns bench NAME`."""
