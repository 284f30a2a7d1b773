"""What runs, when and on which day; no statistics, no SQL logic, no rendering."""
