"""Compose files into the project that `docker compose` would load from them: one merged model with all its places.

What it is made of: `interpolation`, `tags`, `include`, `extends` and `merge` in the order that `load` puts them in.
"""

from policykit.parse.compose.project import (
    ComposeProject,
    LoadedProject,
    Options,
    load_project,
    project_files,
)
from policykit.parse.compose.tree import ComposeError

__all__ = ["ComposeError", "ComposeProject", "LoadedProject", "Options", "load_project", "project_files"]
