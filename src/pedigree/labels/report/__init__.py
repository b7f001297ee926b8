"""Found labels in front of a person: tables, a page to review them on, and the decisions that come back."""
