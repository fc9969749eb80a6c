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
from policykit.parse.dockerfile.directives import detect_syntax
from policykit.parse.dockerfile.expand import Expansion
from policykit.parse.dockerfile.fragment import Fragment, LineIndex
from policykit.parse.dockerfile.lexer import Binding
from policykit.parse.dockerfile.parser import parse_dockerfile
from policykit.parse.dockerfile.scope import EXPANDED, Build

__all__ = [
    "EXPANDED",
    "Binding",
    "Build",
    "Comment",
    "Directive",
    "Dockerfile",
    "Expansion",
    "Flag",
    "Fragment",
    "Heredoc",
    "Instruction",
    "LineIndex",
    "Pair",
    "ParseProblem",
    "Stage",
    "Word",
    "detect_syntax",
    "parse_dockerfile",
]
