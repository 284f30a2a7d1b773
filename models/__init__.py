"""Statistics as pure functions: frames and specs in, typed results out; no files, network, clock or database."""
