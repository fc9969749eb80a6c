"""Parsers: each turns a `Source` into documents with a span for every node.

No file is read here and no rule is known.
"""
