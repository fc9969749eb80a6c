"""`policykit init`: a policykit.yaml to start from, in which everything is said and nothing is in force."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from policykit.cli.main import CLEAN
from policykit.errors import Problem, UsageError

if TYPE_CHECKING:
    import argparse

_NAME = "policykit.yaml"

TEMPLATE = """\
# The configuration of policykit, for this directory and all below. A policykit.yaml further down adds to it and has
# the last word there.
# Every line that is commented out shows the default, or an example of what could be said.

# Named sets of rules to begin with: default, strict, pss-baseline, pss-restricted, or what another tool checks by
# default: hadolint, buildkit, kube-linter, kube-score, polaris, dclint. Several add up.
# extends: [default, pss-restricted]

# Directories of your own policies, relative to this file.
# policies: [policies]

# Rules, categories, or what other tools call them (DL3007, CKV_K8S_14). `policykit rules` lists them.
# select: [all]          # only these
# ignore: [DL3006]       # not these

# rules:
#   image-explicit-tag:
#     enabled: true
#     severity: error    # error, warning or info
#     onUnknown: warn    # what to do if the files alone do not tell: ignore, warn or fail
#     parameters: {}     # `policykit explain image-explicit-tag` says which there are

# What not to look at, as in .gitignore. What git ignores is left out anyway.
# exclude: [vendor/, "*.generated.yaml"]

# The least severity that makes a check fail: error, warning, info or never.
# failOn: error

# What files do not say themselves.
# namespace: default     # of objects that name none
# kubernetesVersion: "1.36"    # or `--kube-version`; what api-schema-violation and others judge by
# user: {username: jane, groups: ["system:authenticated"]}    # who creates objects: admission policies may ask
# buildArgs:             # as given to docker build
#   BASE: alpine:3.22
# baseImages:            # the users that images of your own run as
#   registry.example.com/base/*: {user: "10001"}
# images:                # the Dockerfiles that images of your own are built from
#   registry.example.com/shop/web: {dockerfile: Dockerfile}    # target: a stage other than the last

# Violations that are accepted, each with a reason. `expires` is the last day an exception holds.
# exceptions:
#   - rule: run-as-non-root
#     reason: the appliance needs port 514, ticket OPS-123
#     files: [legacy/]                                          # patterns, as in .gitignore
#     resource: {kind: Deployment, namespace: logs, name: "syslog-*"}
#     container: syslog
#     expires: 2027-01-31
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", nargs="?", default=".", help="where to write it (default: .)")


def run(parsed: argparse.Namespace) -> int:
    path = Path(parsed.directory) / _NAME
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        raise UsageError(Problem("is there already", str(path), "nothing was written")) from None
    except OSError as error:
        raise UsageError(Problem(f"cannot be written: {error.strerror}", str(path))) from None
    sys.stdout.write(f"Wrote {path}\n")
    return CLEAN
