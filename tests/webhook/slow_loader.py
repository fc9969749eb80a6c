"""A loader that takes its time, so that a test can look at a server before its policies are there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.webhook import fake_policies

if TYPE_CHECKING:
    from policykit_webhook.decision import Policies


def load(directory: str) -> Policies:
    time.sleep(1.0)
    return fake_policies.load(directory)
