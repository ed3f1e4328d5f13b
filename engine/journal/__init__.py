"""Journal: jobs, who has claimed them, and what became of them; in a file that survives whoever writes it."""
