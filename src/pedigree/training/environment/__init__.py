"""The environment of this process, captured as a value; and what differs between two of them, with how much it matters."""
