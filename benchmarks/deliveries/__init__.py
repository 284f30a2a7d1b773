"""Exports delivered in any order, and whether the marts depend on anything but the deliveries."""
