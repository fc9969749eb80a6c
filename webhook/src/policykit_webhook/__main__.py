"""`python -m policykit_webhook`: the command line."""

from policykit_webhook.cli import run

run()
