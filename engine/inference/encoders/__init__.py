"""Text encoders: from a prompt to conditioning."""
