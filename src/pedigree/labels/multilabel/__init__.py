"""Labels of which an example may have several: which are missing, which are too many, and which break the rules."""
