"""Manifest to axes to points to plan. Pure and synchronous: no network, no clock, no randomness but seeds."""
