"""The Dockerfile parser: a text into a syntax tree with positions, and its words into values.

`parse_dockerfile` gives the tree (`ast`), `Build` what the words of the tree mean in a build (`scope`).
"""

from policykit.parse.dockerfile.ast import (
    Comment,
    Directive,
    Dockerfile,
    Flag,
    Heredoc,
    Instruction,
    Pair,
    ParseProblem,
    Stage,
    Word,
)
from policykit.parse.dockerfile.fragment import Fragment
from policykit.parse.dockerfile.parser import parse_dockerfile

__all__ = [
    "Comment",
    "Directive",
    "Dockerfile",
    "Flag",
    "Fragment",
    "Heredoc",
    "Instruction",
    "Pair",
    "ParseProblem",
    "Stage",
    "Word",
    "parse_dockerfile",
]
