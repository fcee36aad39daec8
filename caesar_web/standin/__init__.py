"""A stand-in Panoptes over HTTP, with sample projects and volunteers."""
