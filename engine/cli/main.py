"""main: where the `comfyless` command begins."""

import gc
import os
import sys
from collections.abc import Sequence

from engine.cli.exit_codes import INTERRUPTED


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code. argv: without the program's name; None: the process's own.

    What the first imports make stays until the end. Looking through it for garbage again and again took a tenth of a
    short command's time, so the collector waits until all is imported (engine.cli.loading), or for the end. Pydantic is
    told to look for no plugins: they would be other people's code, and the search takes time, too.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.disable()
    try:
        from engine.cli.commands import carry_out

        return carry_out(argv)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    finally:
        gc.enable()
