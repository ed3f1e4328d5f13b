"""Diffusion networks, one file each; none knows another."""
