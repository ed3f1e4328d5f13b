"""Borders: whether a name stays inside the folder that it is meant for, as far as the name alone can tell."""

import os
import re

_DRIVE = re.compile(r"[A-Za-z]:")


def leads_out(name: str) -> bool:
    """Whether a path, with slashes of either kind, climbs out of its folder or names a drive.

    Absolute paths may lead inside: only who knows the folder can tell.
    """
    path = os.path.normpath(name.replace("\\", "/"))
    return path.split("/")[0] == ".." or _DRIVE.match(path) is not None
