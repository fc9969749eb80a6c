"""The webhook: its parts, its server against a strict stand-in for the API server, and its forty acceptance tests."""
