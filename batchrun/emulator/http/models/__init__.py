"""Responses that only the emulator has models of: clients read a few of their fields."""
