"""A process that stores one tensor after the other: tasks on its standard input, what became of them on its output.

It is started by engine.quantize.pool and ends when its input does. It imports numpy and libgguf, nothing larger.
"""

import os
import pickle
import signal
import sys
from typing import Any, BinaryIO

from engine.quantize.work import Failure, carry_out


def serve(tasks: BinaryIO, answers: BinaryIO) -> None:
    """Carry out pickled tasks to the end of the stream. Answers: bytes written, as they are; then how it ended."""

    def answer(what: Any) -> None:
        pickle.dump(what, answers)
        answers.flush()

    while True:
        try:
            task = pickle.load(tasks)
        except EOFError:
            return
        try:
            answer(carry_out(task, answer))
        except Exception as error:  # told to who waits for it
            answer(Failure.of(error))


def main() -> None:
    """Serve the process that started this one, until it wants no more or is gone."""
    for name in (signal.SIGINT, signal.SIGTERM):  # for that process, which then stops this one
        signal.signal(name, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not disturb the answers
    try:
        serve(sys.stdin.buffer, answers)
    except BrokenPipeError:
        os._exit(1)


if __name__ == "__main__":
    main()
