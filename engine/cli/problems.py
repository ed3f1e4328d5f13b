"""Problems as lines: one finding each, with where it is, what is wrong and what to do."""

import shutil
import textwrap
from collections.abc import Callable, Sequence

from engine.cli import words
from schemas.report import Problem


def line_of(file: str, problem: Problem) -> str:
    """`portrait.json: 31 KSampler.sampler_name: no choice 'eular'. Did you mean 'euler'?  [unknown-choice]`."""
    said = f"{problem.said} {problem.fix}".strip()
    file = file or "comfyless"
    where = [file if problem.line is None else f"{file}:{problem.line}:{problem.column or 1}", _place(problem)]
    return words.plain(f"{': '.join(part for part in where if part)}: {said}  [{problem.code}]")


def _place(problem: Problem) -> str:
    if problem.node is None:
        return ""
    place = f"{problem.node} {problem.class_type}" if problem.class_type else problem.node
    if problem.field:
        place += f".{problem.field}"
    titled = problem.title and problem.title != problem.class_type
    return f"{place} ({problem.title!r})" if titled else place


def tell(say: Callable[[str], None], terminal: bool, file: str, problems: Sequence[Problem]) -> None:
    """All problems of a file, then how many. terminal: whether to wrap them to its width."""
    for problem in problems:
        line = line_of(file, problem)
        say(_wrapped(line) if terminal else line)
    if len(problems) > 1:
        say(words.plain(f"{file}: {words.count(len(problems), 'problem')}"))


def _wrapped(line: str) -> str:
    width = max(shutil.get_terminal_size().columns, 40)
    return textwrap.fill(line, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
