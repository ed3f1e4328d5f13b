"""What the verbs that work unattended have in common: who runs the jobs, and how often one is tried."""

import argparse
from typing import TYPE_CHECKING

from engine.cli.options import whole
from schemas.job import CRASHES

if TYPE_CHECKING:
    from engine.working.anywhere import Where


def add_working(parser: argparse.ArgumentParser, job: str) -> None:
    """Take who runs the jobs, and how often. job: what one is called."""
    parser.add_argument("--retries", metavar="N", type=whole, default=0, help=f"run a {job} that failed N times more")
    parser.add_argument(
        "--crashes",
        metavar="N",
        type=whole,
        default=CRASHES,
        help=f"set a {job} aside as failed when the program has died N times while it ran (default: {CRASHES})",
    )
    parser.add_argument("--workers", metavar="N", type=whole, default=0, help=f"run {job}s in N processes")
    parser.add_argument("--ray", metavar="ADDRESS", help=f"run {job}s on a Ray cluster: its address, auto or local")


def where_of(arguments: argparse.Namespace) -> "Where":
    """Who runs the jobs, as the command says."""
    from engine.working.anywhere import Where

    return Where(arguments.workers, arguments.ray)
