"""`python -m policykit`."""

from policykit.cli.main import run

run()
