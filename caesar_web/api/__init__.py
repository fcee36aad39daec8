"""The wire contract: JSON for clients, and the ingest stream."""
