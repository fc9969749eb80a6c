"""Loaded policies and a few choices to the Kubernetes objects that install the webhook.

The Helm chart renders the same.
"""
