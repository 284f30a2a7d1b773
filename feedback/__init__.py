"""What leaves Plumbline: reports, pattern cards, the feed and approvals; it never starts a run."""
