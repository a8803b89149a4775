"""Numerical differentiation: it knows only callables."""
