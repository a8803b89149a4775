"""A student's own trace table against the true one."""

from diffmagic.trace_check.check import check_table
from diffmagic.trace_check.claims import (
    Claim,
    claims_in_comment,
    claims_of,
    is_table,
    looks_claimed,
    sheet_in,
    sheet_of,
)

__all__ = [
    "Claim",
    "check_table",
    "claims_in_comment",
    "claims_of",
    "is_table",
    "looks_claimed",
    "sheet_in",
    "sheet_of",
]
