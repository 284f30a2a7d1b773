"""What happened, for other programs: events in order, at least once, over a log, webhooks and a Redis stream."""
