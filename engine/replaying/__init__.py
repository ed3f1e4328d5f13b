"""Replaying: what made a picture is run again, and the two are told apart, or found equal to the bit."""
