"""Calls to addresses that users configured."""
