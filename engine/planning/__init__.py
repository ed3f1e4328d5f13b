"""Planning: a bound graph becomes a Plan: in which order nodes would run, which need not, and why."""
