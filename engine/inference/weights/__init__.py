"""Weights as their files hold them: mapped, packed, decoded for the length of one call."""
