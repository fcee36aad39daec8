"""Talking to Panoptes, the platform's own API."""
