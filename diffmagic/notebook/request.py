"""What a magic is asked: its line, its cell, the subject in them and the inputs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from keyword import iskeyword
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from diffmagic.core.errors import DiffmagicError
from diffmagic.notebook.cells import CellFunction, Subject, cell_subject, function_subject
from diffmagic.notebook.inputs import Inputs, chosen_inputs, evaluate
from diffmagic.notebook.line import NAME, MagicLine, Options, known_as
from diffmagic.notebook.namespace import Names


@dataclass(slots=True)
class Request:
    """One use of a magic.

    Attributes
    ----------
    shell : InteractiveShell
    line : MagicLine
    cell : str or None
        None for a line magic.
    silent : bool
        Whether to print nothing.
    digits : int
        How many digits to show.
    mode : str
        How automatic derivatives are accumulated where the line says nothing.
    """

    shell: InteractiveShell
    line: MagicLine
    cell: str | None
    silent: bool
    digits: int
    mode: str = "auto"

    @property
    def options(self) -> Any:
        return self.line.options

    @property
    def names(self) -> Names:
        """The notebook's namespace."""
        names: Names = self.shell.user_ns
        return names

    def subject(self) -> Subject:
        """What is differentiated: the cell, or the function or expression on the line.

        Raises
        ------
        DiffmagicError
            If the line has none, or more than a cell needs.
        """
        text = self.line.subject
        if self.cell is not None:
            if text:
                self._refuse_words(text)
            return cell_subject(self.shell, self.cell)
        if not text:
            magic = f"%{self.line.magic}"
            raise DiffmagicError(
                "there is no function on the line", rewrite=f'{magic} f x=1.0, or {magic} "x**2" x=1.0'
            )
        first = re.fullmatch(rf"({NAME})(\.{NAME})*", text)
        if first and known_as(first[1]) not in self.line.inputs:
            value = evaluate(text, self.names, "the function")
            if callable(value):
                return function_subject(value, text)
        if re.fullmatch(r"(\"|')((?!\1).)*\1", text):
            text = text[1:-1]
        return cell_subject(self.shell, text, first_line=1)

    def wrt(self) -> list[str] | None:
        """The names that ``--wrt`` gives; None if it is not there."""
        return None if self.options.wrt is None else names_in(self.options.wrt, "--wrt")

    def inputs(self, subject: Subject) -> Inputs:
        """The values of the inputs, and which of them vary."""
        given = {name: evaluate(text, self.names, name) for name, text in self.line.inputs.items()}
        return chosen_inputs(subject, given, self.wrt(), self.names)

    def function(self, subject: Subject, inputs: Inputs) -> CellFunction:
        """The subject as a function of the inputs that vary."""
        return CellFunction(subject, self.names, inputs.constants)

    def _refuse_words(self, text: str) -> None:
        """What stands on a cell magic's line and is neither an input nor an option."""
        names = [name for name in re.findall(r"[^\s,]+", text) if name.isidentifier()]
        rewrite = ", ".join(f"{name}=1.0" for name in names)
        if self.options.wrt and all(name in self.line.inputs or name in self.names for name in names):
            rewrite = "--wrt " + ",".join([self.options.wrt, *names])
        raise DiffmagicError(f"{text} on the magic's line is neither an input nor an option", rewrite=rewrite)


def add_input_options(parser: Options, *, order: bool = True) -> None:
    """The options that say what is differentiated; the first of every magic."""
    parser.add_argument(
        "--wrt",
        metavar="NAMES",
        help="the inputs to differentiate with respect to, as in --wrt w,b: given ones or variables of the notebook",
    )
    if order:
        parser.add_argument("--order", type=int, metavar="N", help="the order of the derivative")


def add_common_options(parser: Options) -> None:
    """The options that say what becomes of the result; the last of every magic."""
    parser.add_argument("--digits", type=int, metavar="N", help="how many digits to show")
    parser.add_argument("-o", "--out", metavar="NAME", help="keep the result under this name")
    parser.add_argument("--quiet", action="store_true", help="show nothing")


def check_common_options(options: Any) -> None:
    """Refuse what cannot be meant.

    Raises
    ------
    DiffmagicError
    """
    if options.digits is not None and not 1 <= options.digits <= 17:
        raise DiffmagicError(f"{options.digits} digits cannot be shown", rewrite="--digits between 1 and 17")
    if options.out is not None and (not options.out.isidentifier() or iskeyword(options.out)):
        raise DiffmagicError(f"{options.out} is not a name", rewrite="-o d")


def check_order(order: int | None) -> int:
    """The order that is asked for; 1 if none is.

    Raises
    ------
    DiffmagicError
        If it is not a positive number.
    """
    if order is not None and order < 1:
        raise DiffmagicError(f"order {order} is not a positive number", rewrite="--order 2")
    return order or 1


def names_in(words: str, flag: str) -> list[str]:
    """The names in an option's value, with commas between them.

    Raises
    ------
    DiffmagicError
        If something else stands there.
    """
    names = [known_as(name) for name in re.findall(r"[^\s,]+", words)]
    if not all(name.isidentifier() for name in names):
        inside = ",".join(re.findall(NAME, words))
        raise DiffmagicError(
            f"{flag} takes names with commas between them, not {words}", rewrite=f"{flag} {inside or 'x'}"
        )
    return names


def merged(*notes: Iterable[str]) -> list[str]:
    """Notes from several places, each once."""
    return list(dict.fromkeys(chain(*notes)))


def words_in(words: str) -> list[str]:
    """The words in an option's value, with commas or blanks between them."""
    return re.findall(r"[^\s,]+", words)


def result_names(subject: Subject, inputs: Inputs) -> tuple[str, ...]:
    """What to call the results; nothing for a result that is called like an input."""
    return ("",) if len(subject.results) == 1 and subject.results[0] in inputs.varied else subject.results
