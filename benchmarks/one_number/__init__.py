"""The one number per channel against known truth, from raw weekly frames, beside every single method."""
