"""Results as text and HTML: pure functions."""
