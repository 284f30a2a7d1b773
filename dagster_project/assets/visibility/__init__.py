"""AI answers measured: rates, the noise of the engines, change between weeks, and what to do about it."""
