"""The assets by business step: ingest, transform, measure, triangulate, learn, report. Thin: read, call, write, attach."""
