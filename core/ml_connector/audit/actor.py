"""Who is at work: told by the operating system, never by a flag or an environment variable (L9)."""

from __future__ import annotations

import os
import pwd
import socket


def actor() -> str:
    """Return the operating-system user of this process, by its uid."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run under a number that has no name
        return f"uid {uid}"


def host() -> str:
    """Return the name of this machine."""
    return socket.gethostname()
