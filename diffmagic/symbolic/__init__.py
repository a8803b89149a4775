"""Symbolic differentiation: programs as SymPy's expressions, and back. SymPy is imported when it is first used."""
