"""Measures policykit beside its peers: `python -m benchmarks` (see `--help`)."""
