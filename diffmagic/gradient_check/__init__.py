"""Is my gradient right? The user's own gradient against the automatic and the numerical one."""

from diffmagic.gradient_check.check import check_grads, gradcheck

__all__ = ["check_grads", "gradcheck"]
