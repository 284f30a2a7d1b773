"""What users hand in: one module a source (its contract), and the shared door by phase.

`decode` (bytes to text), `tabulate` (text to cells), `recognise` (which shape), `values` (cells to types), `contract_rules`
(which rows break a rule), `read` (all of it for one file), `landing` (into the warehouse), `check` (the same without writing).
"""
