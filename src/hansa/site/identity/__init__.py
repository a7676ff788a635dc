"""Who is calling, and what may they do here: credential -> Principal -> policy -> Caller."""
