"""Speed and memory of the feed's server under load."""
