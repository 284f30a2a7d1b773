"""Asking AI engines the panel's questions: the panel, the plan of a day, the calls, and the books of what they cost."""
