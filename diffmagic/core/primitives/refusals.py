"""Functions of NumPy that have no meaning for a traced number, and what to do instead."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy._core import umath

from diffmagic.core.primitives import HANDLERS, public_name
from diffmagic.core.tracing import refuse

_TEXT_NAMES = (
    "_center _expandtabs _expandtabs_length _ljust _lstrip_chars _lstrip_whitespace _partition _partition_index "
    "_replace _rjust _rpartition _rpartition_index _rstrip_chars _rstrip_whitespace _slice _strip_chars "
    "_strip_whitespace _zfill count endswith find index isalnum isalpha isdecimal isdigit islower isnumeric isspace "
    "istitle isupper rfind rindex startswith str_len"
)

FILES = (np.save, np.savetxt, np.savez, np.savez_compressed)
DATES = (np.busday_count, np.busday_offset, np.datetime_as_string, np.is_busday, np.isnat)
TEXTS = tuple(getattr(umath, name) for name in _TEXT_NAMES.split() if hasattr(umath, name))


def _refused(function: Any, why: str, rewrite: str) -> None:
    def handler(*_: Any, **__: Any) -> NoReturn:
        refuse(f"{public_name(function)} {why}", rewrite)

    HANDLERS[function] = handler


_function: Any
for _function in FILES:
    _refused(_function, "writes plain numbers into a file", "return the value, and save it after differentiating")
for _function in DATES:
    _refused(
        _function, "takes dates, and a traced value is a number", "compute the dates from plain numbers beforehand"
    )
for _function in TEXTS:
    _refused(_function, "takes text, and a traced value is a number", "np.array_str(x), which is plain text")
