"""Tests of who is calling and what they may."""
