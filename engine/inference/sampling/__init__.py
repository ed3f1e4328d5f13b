"""Sampling: noise processes, schedules' arithmetic, samplers, guidance. Sees neither models nor how they are loaded."""
