"""The closed loop of pattern feed and content agents, simulated with known truth."""
