"""Labels of several annotators: what they agree on, how good each of them is, what to have labelled next."""
