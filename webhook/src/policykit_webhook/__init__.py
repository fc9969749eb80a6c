"""policykit_webhook: policykit's engine behind the Kubernetes API server."""

__version__ = "0.1.0"
