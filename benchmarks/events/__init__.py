"""Random kills of everything that writes, relays, reads and receives events, on every store."""
