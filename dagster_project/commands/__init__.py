"""The command line by what a person wants: begin, run, read, decide. `dagster_project.cli` puts them together."""
