"""The notebook: magics, and what their results look like. IPython is imported only here."""
