"""Benchmarks: what the package needs in time and memory, each time beside a named peer in the same run."""
