"""A student's own trace table against the true one."""

from diffmagic.trace_check.check import check_table
from diffmagic.trace_check.claims import Claim, claims_in_comment, claims_of, items_in, looks_claimed
from diffmagic.trace_check.sheets import is_table, sheet_in, sheet_of

__all__ = ["Claim", "check_table", "claims_in_comment", "claims_of", "is_table", "items_in"]
__all__ += ["looks_claimed", "sheet_in", "sheet_of"]
