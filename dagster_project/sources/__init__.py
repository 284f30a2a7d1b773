"""Delivered files: one module per source (its contract), and the shared phases of reading.

The door: `decode` (bytes to text), `tabulate` (text to cells), `recognise` (which form), `typed` and `values` (cells to
types), `controls` (totals), `row_checks` and `money` (faults between rows), `read` (all of it for one file), `landing`
(into the warehouse), `check` (the same without writing). `catalogue` lists the sources.
"""
