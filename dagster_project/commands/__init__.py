"""The commands of the command line, one file per group; `dagster_project.cli` puts them together."""
